import { ClientFrame, ResumeEntry } from '@holdfast/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import { frameSizeBound, resumeEntrySizeBound } from '../../client/src/session/frame-size.js';
import { ClientHarness } from './client-harness.js';
import { MAX_MESSAGE_BYTES } from './client-scripted-stream.js';

const bytes = fc.uint8Array({ maxLength: 16 }).map((array) => Buffer.from(array));
const id = fc.bigInt({ min: 1n, max: 2n ** 53n - 1n });
const text = fc.string({ unit: 'binary', maxLength: 300 });
const acquire = fc.record({
  resources: fc.array(fc.record({ name: text }), { maxLength: 3 }),
  ttlMs: fc.option(fc.bigInt({ min: 0n, max: 2n ** 40n }), { nil: undefined }),
  waitMs: fc.bigInt({ min: 0n, max: 86_400_000n }),
  secret: bytes,
  earlierSecrets: fc.array(bytes, { maxLength: 7 }),
  manualExtension: fc.boolean(),
  traceparent: text,
  tracestate: text,
});
const entry: fc.Arbitrary<ResumeEntry> = fc.record({
  claim: fc.constantFrom(1, 2, 3),
  acquire: fc.option(acquire, { nil: undefined }),
  requestId: id,
  leaseId: text,
  tokens: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 3 }),
});
const kind: fc.Arbitrary<NonNullable<ClientFrame['kind']>> = fc.oneof(
  acquire.map((value) => ({ $case: 'acquire' as const, value })),
  fc
    .record({ entries: fc.array(entry, { maxLength: 5 }), last: fc.boolean() })
    .map((value) => ({ $case: 'resume' as const, value })),
  fc
    .record({ heartbeatId: id, requestIds: fc.array(id, { maxLength: 50 }), last: fc.boolean() })
    .map((value) => ({ $case: 'heldList' as const, value })),
  fc
    .record({
      protocolVersion: fc.constant(1),
      sessionId: text,
      sessionSecret: bytes,
      clientName: text,
      namespace: text,
      resume: fc.boolean(),
    })
    .map((value) => ({ $case: 'open' as const, value })),
  fc
    .record({ pushSeen: id, heldCount: fc.nat(), heldHash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
    .map((value) => ({ $case: 'heartbeat' as const, value })),
  id.map((requestId) => ({ $case: 'cancel' as const, value: { requestId } })),
  id.map((requestId) => ({ $case: 'release' as const, value: { requestId } })),
  id.map((requestId) => ({ $case: 'extend' as const, value: { requestId } })),
  fc.constant({ $case: 'close' as const, value: {} }),
);

describe('client: messages', () => {
  it('know how large a frame becomes at most', () => {
    fc.assert(
      fc.property(id, kind, (frameId, anyKind) => {
        const frame: ClientFrame = { id: frameId, kind: anyKind };
        // In a message a frame is preceded by its tag and length.
        const actual = ClientFrame.encode(frame).finish().length + 4;
        expect(frameSizeBound(frame)).to.be.at.least(actual);
      }),
    );
    fc.assert(
      fc.property(entry, (anyEntry) => {
        expect(resumeEntrySizeBound(anyEntry)).to.be.at.least(ResumeEntry.encode(anyEntry).finish().length + 4);
      }),
    );
  });

  it('carry no more than the server reads: bytes', async () => {
    const harness = await ClientHarness.connected();
    const before = harness.stream.messages.length;
    for (let count = 0; count < 1_000; count += 1) void harness.client.acquire(`${count}/${'ä'.repeat(120)}`);
    await harness.clock.settle();
    const messages = harness.stream.messages.slice(before);
    expect(messages.length).to.be.within(5, 8);
    expect(messages.flat()).to.have.length(1_000);
    const encoded = messages.map((frames) =>
      frames.reduce((sum, frame) => sum + ClientFrame.encode(frame).finish().length, 0),
    );
    for (const size of encoded.slice(0, -1)) expect(size).to.be.within(MAX_MESSAGE_BYTES * 0.8, MAX_MESSAGE_BYTES);
  });

  it('carry no more than the server reads: frames', async () => {
    const harness = new ClientHarness();
    const opening = harness.client.open(1_000);
    harness.stream.ready();
    harness.stream.opened({ maxFramesPerMessage: 10 });
    await opening;
    for (let count = 0; count < 25; count += 1) void harness.client.acquire(`r${count}`);
    await harness.clock.settle();
    expect(harness.stream.messages.slice(1).map((frames) => frames.length)).to.deep.equal([10, 10, 5]);
  });
});
