import { ErrorInfo, SessionResponse } from '@holdfast/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Failure } from '../../server/src/core/failure.js';
import type { Holder, Limits, ServerFrame } from '../../server/src/core/frames.js';
import type { LeaseId } from '../../server/src/core/names.js';
import { encodeMessage } from '../../server/src/rpc/frame-encoder.js';
import { frameBytesAtMost } from '../../server/src/rpc/frame-size.js';

const LEASE_ID = '01923456-789a-7abc-8def-0123456789ab' as LeaseId;

const id = fc.nat(Number.MAX_SAFE_INTEGER);
const uint32 = fc.nat(2 ** 32 - 1);
const text = fc.string({ unit: 'binary', maxLength: 40 });
const token = fc.bigInt(0n, 2n ** 64n - 1n);
const validity = fc.record({ anchor: id, durationMs: uint32 });
const unknown = { nil: undefined };
const holder: fc.Arbitrary<Holder | undefined> = fc.option(
  fc.record({
    leaseId: fc.option(fc.constant(LEASE_ID), unknown),
    clientName: text,
    heldMs: fc.option(id, unknown),
  }),
  unknown,
);
const limits: fc.Arbitrary<Limits> = fc.record({
  minTtlMs: uint32,
  maxTtlMs: uint32,
  defaultTtlMs: uint32,
  maxNameBytes: uint32,
  maxMessageBytes: uint32,
  maxFramesPerMessage: uint32,
  maxRequestsPerSession: uint32,
  graceMs: uint32,
});
const failure: fc.Arbitrary<Failure> = fc.record(
  {
    reason: fc.constantFrom('FIELD_INVALID', 'PROTOCOL_VERSION_UNSUPPORTED', 'STORE_UNAVAILABLE'),
    message: text,
    field: text,
    value: text,
    limit: text,
    retryAfterMs: uint32,
  },
  { requiredKeys: ['reason', 'message'] },
);
const resumed = fc.oneof(
  fc.record({ requestId: id, outcome: fc.constant('held'), validity }),
  fc.record({ requestId: id, outcome: fc.constantFrom('lost', 'unknown', 'released') }),
);

const frame: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({ kind: fc.constant('opened'), id, serverId: text, heartbeatIntervalMs: uint32, limits }),
  fc.record({ kind: fc.constant('resumed'), id, leases: fc.array(resumed), push: id, heartbeatIntervalMs: uint32 }),
  fc.record({
    kind: fc.constant('extended'),
    id,
    anchor: id,
    groups: fc.array(fc.record({ durationMs: uint32, requestIds: fc.array(id) })),
    heartbeatIntervalMs: uint32,
  }),
  fc.record({ kind: fc.constant('held_list_requested'), id }),
  fc.record({ kind: fc.constant('queued'), id, position: uint32, holder }),
  fc.record({
    kind: fc.constant('granted'),
    id,
    leaseId: fc.constant(LEASE_ID),
    tokens: fc.array(token, { maxLength: 3 }),
    validity,
    ttlMs: uint32,
    heartbeatIntervalMs: uint32,
    push: id,
  }),
  fc.record({
    kind: fc.constant('denied'),
    id,
    reason: fc.constantFrom('held', 'wait_expired', 'cancelled'),
    holder,
    position: uint32,
  }),
  fc.record({ kind: fc.constant('released'), id, outcome: fc.constantFrom('released', 'expired', 'unknown') }),
  fc.record({
    kind: fc.constant('lost'),
    id: fc.constant(0),
    requestId: id,
    reason: fc.constantFrom('expired', 'displaced'),
    push: id,
  }),
  fc.record({ kind: fc.constant('failed'), id, failure }),
  fc.record({ kind: fc.constant('draining'), id: fc.constant(0), remainingMs: uint32 }),
  fc.record({ kind: fc.constant('closed'), id }),
) as fc.Arbitrary<ServerFrame>;

describe('Encoding what the server says', () => {
  it('keeps every frame, its id and its kind, in order', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 10 }), (frames) => {
        const { frames: wire } = SessionResponse.decode(encodeMessage(frames));
        const camel = (kind: string): string => kind.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
        expect(wire.map((each) => [each.id, each.kind?.$case])).to.deep.equal(
          frames.map((each) => [BigInt(each.id), camel(each.kind)]),
        );
      }),
    );
  });

  it('never takes more bytes than were reckoned with', () => {
    fc.assert(
      fc.property(frame, (each) => {
        expect(encodeMessage([each]).length).to.be.at.most(frameBytesAtMost(each));
      }),
      { numRuns: 2_000 },
    );
  });

  it('tells a grant in full', () => {
    const bytes = encodeMessage([
      {
        kind: 'granted',
        id: 7,
        leaseId: LEASE_ID,
        tokens: [2n ** 63n],
        validity: { anchor: 5, durationMs: 29_000 },
        ttlMs: 30_000,
        heartbeatIntervalMs: 5_000,
        push: 3,
      },
    ]);
    expect(SessionResponse.decode(bytes).frames[0]?.kind?.value).to.deep.equal({
      leaseId: LEASE_ID,
      tokens: [2n ** 63n],
      validity: { anchor: 5n, durationMs: 29_000 },
      ttlMs: 30_000,
      heartbeatIntervalMs: 5_000,
      push: 3n,
    });
  });

  it('gives a failed frame exactly one ErrorInfo, and the field, value and limit', () => {
    const bytes = encodeMessage([
      { kind: 'failed', id: 1, failure: { reason: 'FIELD_INVALID', message: 'm', field: 'f', value: 'v', limit: 'l' } },
    ]);
    const [wire] = SessionResponse.decode(bytes).frames;
    const status = wire?.kind?.$case === 'failed' ? wire.kind.value.status : undefined;
    expect(status).to.include({ code: 3, message: 'm' });
    expect(status?.details).to.have.length(1);
    expect(ErrorInfo.decode(status?.details[0]?.value ?? Buffer.alloc(0))).to.deep.equal({
      reason: 'FIELD_INVALID',
      domain: 'holdfast',
      metadata: { field: 'f', value: 'v', limit: 'l' },
    });
  });
});
