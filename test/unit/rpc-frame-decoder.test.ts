import { createHash } from 'node:crypto';
import { Acquire, ResumeEntry_Claim, SessionRequest, type ClientFrame as WireFrame } from '@holdfast/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Failure } from '../../server/src/core/failure.js';
import type { ClientFrame } from '../../server/src/core/frames.js';
import { decodeMessage } from '../../server/src/rpc/frame-decoder.js';

const MAX_FRAMES = 8;
const SECRET = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const OTHER = Buffer.from('ffeeddccbbaa99887766554433221100', 'hex');
const LEASE_ID = '01923456-789a-7abc-8def-0123456789ab';

type Kind = WireFrame['kind'];

function message(...kinds: readonly Kind[]): Buffer {
  const frames = kinds.map((kind, index) => ({ id: BigInt(index + 1), kind }));
  return Buffer.from(SessionRequest.encode({ frames }).finish());
}

function decoded(...kinds: readonly Kind[]): readonly ClientFrame[] {
  const outcome = decodeMessage(message(...kinds), MAX_FRAMES);
  if (outcome.kind === 'refused') throw new Error(outcome.failure.message);
  return outcome.frames;
}

function refusal(bytes: Uint8Array): Failure {
  const outcome = decodeMessage(bytes, MAX_FRAMES);
  if (outcome.kind === 'frames')
    throw new Error(`decoded as ${JSON.stringify(outcome.frames.map(({ kind }) => kind))}`);
  return outcome.failure;
}

function failureOf(kind: Kind): Failure {
  const [frame] = decoded(kind);
  if (frame?.kind !== 'invalid') throw new Error(`not invalid, but ${frame?.kind}`);
  return frame.failure;
}

function acquire(differs: Partial<Acquire> = {}): Kind & { readonly $case: 'acquire' } {
  const plain = { resources: [{ name: 'orders/42' }], waitMs: 0n, secret: SECRET, earlierSecrets: [] };
  const value = { ...plain, manualExtension: false, traceparent: '', tracestate: '', ...differs };
  return { $case: 'acquire', value };
}

/** One frame by hand: `{ id: 1, <field>: <value> }`, length-delimited. */
function handmade(field: number, value: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([8, 1, (field << 3) | 2, value.length]), value]);
  return Buffer.concat([Buffer.from([10, body.length]), body]);
}

function hashOf(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 32);
}

describe('Decoding what a client says', () => {
  it('turns an Acquire into names, numbers and hashes', () => {
    const [frame] = decoded(
      acquire({ ttlMs: 5_000n, waitMs: 70n, earlierSecrets: [OTHER], manualExtension: true, traceparent: 'tp' }),
    );
    expect(frame).to.deep.equal({
      kind: 'acquire',
      id: 1,
      request: {
        names: ['orders/42'],
        ttlMs: 5_000,
        waitMs: 70,
        hash: hashOf(SECRET),
        earlierHashes: [hashOf(OTHER)],
        manualExtension: true,
        trace: { traceparent: 'tp', tracestate: '' },
      },
    });
  });

  it('tells a missing time to live from one of zero', () => {
    const [absent, zero] = decoded(acquire(), acquire({ ttlMs: 0n }));
    expect(absent?.kind === 'acquire' && absent.request.ttlMs).to.equal(undefined);
    expect(zero?.kind === 'acquire' && zero.request.ttlMs).to.equal(0);
  });

  it('leaves times for the core to judge, however great or negative', () => {
    const [frame] = decoded(acquire({ ttlMs: 2n ** 63n - 1n, waitMs: -1n }));
    expect(frame?.kind === 'acquire' && [frame.request.ttlMs, frame.request.waitMs]).to.deep.equal([2 ** 63, -1]);
  });

  it('knows every kind of frame', () => {
    const requestId = 3n;
    const held = { claim: ResumeEntry_Claim.CLAIM_HELD, acquire: acquire().value, requestId, leaseId: LEASE_ID };
    const open = { protocolVersion: 1, sessionId: 's', sessionSecret: SECRET, clientName: 'c', namespace: '' };
    const frames = decoded(
      { $case: 'open', value: { ...open, resume: true } },
      { $case: 'resume', value: { entries: [{ ...held, tokens: [9n] }], last: true } },
      { $case: 'heartbeat', value: { pushSeen: 4n, heldCount: 2, heldHash: 2n ** 64n - 1n } },
      { $case: 'heldList', value: { heartbeatId: 5n, requestIds: [1n, 2n], last: true } },
      { $case: 'cancel', value: { requestId } },
      { $case: 'release', value: { requestId } },
      { $case: 'extend', value: { requestId } },
      { $case: 'close', value: {} },
    );
    expect(frames[0]).to.deep.include({ kind: 'open', secretHash: hashOf(SECRET), resume: true });
    expect(frames[1]).to.deep.nested.include({ 'entries[0].claim': 'held', 'entries[0].token': 9n, last: true });
    expect(frames[2]).to.include({ pushSeen: 4, heldCount: 2, heldHash: 2n ** 64n - 1n });
    expect(frames[3]).to.deep.include({ heartbeatId: 5, requestIds: [1, 2], last: true });
    expect(frames.slice(4)).to.deep.equal([
      { kind: 'cancel', id: 5, requestId: 3 },
      { kind: 'release', id: 6, requestId: 3 },
      { kind: 'extend', id: 7, requestId: 3 },
      { kind: 'close', id: 8 },
    ]);
  });

  describe('text', () => {
    const invalid: readonly (readonly [string, readonly number[]])[] = [
      ['a lone continuation byte', [0x80]],
      ['an overlong zero', [0xc0, 0x80]],
      ['half a surrogate pair', [0xed, 0xa0, 0x80]],
      ['a code point past the last', [0xf4, 0x90, 0x80, 0x80]],
      ['a character cut short', [0x61, 0xe2, 0x82]],
    ];
    for (const [what, bytes] of invalid) {
      it(`refuses a name with ${what}, short or long`, () => {
        for (const padding of [0, 60]) {
          const name = Buffer.concat([Buffer.alloc(padding, 'x'), Buffer.from(bytes)]);
          const resource = Buffer.concat([Buffer.from([10, name.length]), name]);
          const request = Buffer.concat([Buffer.from([10, resource.length]), resource]);
          expect(refusal(handmade(6, request))).to.include({ reason: 'MESSAGE_UNDECODABLE' });
        }
      });
    }

    it('keeps every valid name as it is, a byte-order mark in front included', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), (name) => {
          const [frame] = decoded(acquire({ resources: [{ name: `\ufeff${name}` }] }));
          expect(frame?.kind === 'acquire' && frame.request.names).to.deep.equal([`\ufeff${name}`]);
        }),
      );
    });
  });

  describe('refuses a message', () => {
    it('of too many frames', () => {
      const kinds = Array.from({ length: MAX_FRAMES + 1 }, (): Kind => ({ $case: 'close', value: {} }));
      const limit = `at most ${MAX_FRAMES}`;
      expect(refusal(message(...kinds))).to.include({ reason: 'TOO_MANY_FRAMES', field: 'frames', limit });
      expect(decoded(...kinds.slice(1))).to.have.length(MAX_FRAMES);
    });

    it('with a frame that is cut off, too long for its content, or too short', () => {
      const whole = message(acquire());
      const reason = 'MESSAGE_UNDECODABLE';
      expect(refusal(whole.subarray(0, -1))).to.include({ reason });
      expect(refusal(Buffer.from([10, 4, 8, 1, 0, 0]))).to.include({ reason });
      expect(refusal(Buffer.from([10, 1, 8, 1]))).to.include({ reason });
    });

    it('with an id that no number holds exactly', () => {
      const frames = [{ id: 2n ** 53n, kind: undefined }];
      const failure = refusal(SessionRequest.encode({ frames }).finish());
      expect(failure).to.include({ reason: 'FRAME_ID_NOT_RISING', field: 'frame.id', value: '9007199254740992' });
    });

    it('whose Open has a secret of the wrong length, without showing it', () => {
      const sessionSecret = Buffer.from('hush-hush');
      const value = { protocolVersion: 1, sessionId: 's', sessionSecret, clientName: '', namespace: '', resume: false };
      const failure = refusal(message({ $case: 'open', value }));
      expect(failure).to.include({ reason: 'FIELD_INVALID', field: 'open.session_secret', value: '9 bytes' });
      expect(JSON.stringify(failure)).not.to.contain('hush');
    });
  });

  describe('answers for a frame alone', () => {
    it('whose secret has the wrong length, without showing it', () => {
      const failure = failureOf(acquire({ secret: Buffer.from('hush-hush-hush-hush') }));
      const limit = 'exactly 16 bytes';
      expect(failure).to.include({ reason: 'FIELD_INVALID', field: 'acquire.secret', value: '19 bytes', limit });
      expect(JSON.stringify(failure)).not.to.contain('hush');
    });

    it('that brings too many earlier secrets', () => {
      const failure = failureOf(acquire({ earlierSecrets: Array.from({ length: 8 }, () => OTHER) }));
      expect(failure).to.include({ field: 'acquire.earlier_secrets', value: '8 secrets', limit: 'at most 7 secrets' });
    });

    it('that names a request no number holds exactly', () => {
      const failure = failureOf({ $case: 'release', value: { requestId: 2n ** 53n } });
      expect(failure).to.include({
        field: 'release.request_id',
        value: '9007199254740992',
        limit: 'at most 9007199254740991',
      });
    });

    it('that resumes with a claim, lease id, token or request that means nothing', () => {
      const entry = { acquire: acquire().value, requestId: 3n, leaseId: LEASE_ID, tokens: [9n] };
      const fieldOf = (differs: object): string | undefined => {
        const entries = [{ claim: ResumeEntry_Claim.CLAIM_HELD, ...entry, ...differs }];
        return failureOf({ $case: 'resume', value: { entries, last: true } }).field;
      };
      expect(fieldOf({ claim: 9 })).to.equal('resume.entries.claim');
      expect(fieldOf({ claim: 0 })).to.equal('resume.entries.claim');
      expect(fieldOf({ leaseId: 'x' })).to.equal('resume.entries.lease_id');
      expect(fieldOf({ tokens: [] })).to.equal('resume.entries.tokens');
      expect(fieldOf({ tokens: [1n, 2n] })).to.equal('resume.entries.tokens');
      expect(fieldOf({ acquire: undefined })).to.equal('resume.entries.acquire');
    });

    it('of a kind it does not know', () => {
      const outcome = decodeMessage(handmade(15, Buffer.from('future')), MAX_FRAMES);
      expect(outcome).to.deep.nested.include({ 'frames[0].kind': 'invalid', 'frames[0].id': 1 });
      expect(outcome).to.nested.include({ 'frames[0].failure.reason': 'UNKNOWN_FRAME' });
    });
  });

  it('ignores fields it does not know, in the message and in frames', () => {
    const known = Buffer.from(Acquire.encode(acquire().value).finish());
    const value = Buffer.concat([known, Buffer.from([0xa2, 0x06, 2, 0x68, 0x69])]);
    const bytes = Buffer.concat([Buffer.from([0x78, 1]), handmade(6, value)]);
    expect(decodeMessage(bytes, MAX_FRAMES)).to.deep.equal({ kind: 'frames', frames: decoded(acquire()) });
  });

  it('answers any bytes with frames or a refusal, never with an exception', () => {
    const corrupted = fc
      .tuple(fc.constant(message(acquire(), acquire())), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([bytes, changes]) => {
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), corrupted), (bytes) => {
        expect(decodeMessage(bytes, MAX_FRAMES).kind).to.be.oneOf(['frames', 'refused']);
      }),
      { numRuns: 2_000 },
    );
  });
});
