import { expect } from 'chai';
import fc from 'fast-check';
import type { Hash, LeaseId, SessionId } from '../../server/src/core/names.js';
import type { LeaseRecord } from '../../server/src/store/embedded/commit-log.js';
import {
  DamagedValueError,
  decodeResource,
  decodeToken,
  encodeResource,
  encodeToken,
} from '../../server/src/store/embedded/record-codec.js';
import { TokenSource } from '../../server/src/store/embedded/token-source.js';
import { VirtualClock } from '../support/virtual-clock.js';

const token = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: 'binary', maxLength: 40 });
const record: fc.Arbitrary<LeaseRecord> = fc.record({
  hash: text.map((value) => value as Hash),
  leaseId: text.map((value) => value as LeaseId),
  sessionId: text.map((value) => value as SessionId),
  clientName: text,
  token,
  ttlMs: fc.integer({ min: 1, max: 60_000 }),
  coverMs: fc.integer({ min: 1, max: 60_000 }),
  grantedAtWallMs: fc.double({ noNaN: true, min: 0, max: 2 ** 42 }),
});
const state = fc.record({ holder: record, planned: fc.array(record, { maxLength: 4 }) });

describe('the embedded store’s values on disk', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(state, (value) => {
        expect(decodeResource(encodeResource(value))).to.deep.equal(value);
      }),
    );
    fc.assert(
      fc.property(token, (value) => {
        expect(decodeToken(encodeToken(value))).to.equal(value);
      }),
    );
  });

  it('are refused when a byte was changed or is missing', () => {
    const damage = fc.record({ value: state, at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }), cut: fc.boolean() });
    fc.assert(
      fc.property(damage, ({ value, at, flip, cut }) => {
        const bytes = encodeResource(value);
        const index = at % bytes.length;
        if (cut) expect(() => decodeResource(bytes.subarray(0, index))).to.throw(DamagedValueError);
        else {
          bytes.writeUInt8(bytes.readUInt8(index) ^ flip, index);
          expect(() => decodeResource(bytes)).to.throw(DamagedValueError);
        }
      }),
    );
  });
});

describe('fencing tokens', () => {
  it('follow the wall clock in microseconds', () => {
    const clock = new VirtualClock(0, 1_790_000_000_000.25);
    expect(new TokenSource(clock, 0n).next()).to.equal(1_790_000_000_000_250n);
  });

  it('rise while the wall clock stands still or goes back (S2)', () => {
    const clock = new VirtualClock();
    const tokens = new TokenSource(clock, 0n);
    const first = tokens.next();
    expect(tokens.next()).to.equal(first + 1n);
    clock.stepWall(-86_400_000);
    expect(tokens.next()).to.equal(first + 2n);
    clock.stepWall(2 * 86_400_000);
    expect(tokens.next() > first + 2n).to.equal(true);
  });

  it('go on from the greatest the disk knows (S2)', () => {
    const clock = new VirtualClock();
    const last = BigInt(clock.wallMs()) * 2_000n;
    expect(new TokenSource(clock, last).next()).to.equal(last + 1n);
  });

  it('end rather than begin again', () => {
    expect(() => new TokenSource(new VirtualClock(), 2n ** 64n - 1n).next()).to.throw('S2 violated');
  });
});
