import { ServerFrame } from '@holdfast/protocol';
import { expect } from 'chai';
import { FuzzClient } from '../fuzz/fuzz-client.js';
import { SessionModel } from '../fuzz/session-model.js';

const LIMITS = {
  minTtlMs: 1_000,
  maxTtlMs: 2_000,
  maxNameBytes: 256,
  maxFramesPerMessage: 16,
  maxRequestsPerSession: 8,
};
const ANCHORED = { anchor: 1n, durationMs: 1_000 };

/** A grant as the server says it. */
function grantOf(id: number, push: number): ServerFrame {
  const value = { leaseId: `00000000-0000-7000-8000-00000000000${id}`, tokens: [BigInt(id)], push: BigInt(push) };
  return ServerFrame.fromPartial({
    id: BigInt(id),
    kind: { $case: 'granted', value: { ...value, ttlMs: 1_000, validity: ANCHORED } },
  });
}

describe('the model of the fuzzer', () => {
  /** One client that asks for one resource twice, as request 2 and as request 3, and hears of the first when it likes. */
  function asked() {
    const model = new SessionModel({ limits: LIMITS, nowMs: () => 0, inStep: false });
    const client = new FuzzClient('c'.padEnd(12, '0'), 'r');
    const stream = model.connected();
    const open = client.open('next', { resume: false, secret: 'right' });
    model.said(stream, [open], true);
    stream.heard(ServerFrame.fromPartial({ id: open.id, kind: { $case: 'opened', value: {} } }));
    const acquire = { say: 'acquire', name: 0, waitMs: 100, ttlMs: 1_000, id: 'next' } as const;
    model.said(stream, [client.frame(acquire), client.frame(acquire)], false);
    const release = (): void => model.said(stream, [client.frame({ say: 'release', of: 0, id: 'next' })], false);
    return { model, stream, release };
  }

  it('knows that who gives something back relies on no grant of it that was on its way', () => {
    const { model, stream, release } = asked();
    release();
    stream.heard(grantOf(2, 1));
    stream.heard(grantOf(3, 2));
    expect(() => model.beliefs.check(0)).to.not.throw();
  });

  it('and that who has not given it back does', () => {
    const { model, stream } = asked();
    stream.heard(grantOf(2, 1));
    stream.heard(grantOf(3, 2));
    expect(() => model.beliefs.check(0)).to.throw(/request 2 .* and request 3 .* may both rely on/);
  });
});
