import { Denied_Reason } from '@holdfast/protocol';
import { expect } from 'chai';
import { ClientHarness, rejectionOf } from './client-harness.js';
import { holder } from './client-scripted-stream.js';

describe('client: tryAcquire', () => {
  it('resolves with a lease, or with nothing when somebody holds it', async () => {
    const harness = await ClientHarness.connected();
    const free = harness.client.tryAcquire('free');
    const held = harness.client.tryAcquire('held');
    await harness.clock.settle();
    const [first, second] = harness.stream.sent('acquire');
    expect(first?.value.waitMs).to.equal(0n);
    harness.stream.grant(first?.id ?? 0);
    harness.stream.deny(second?.id ?? 0, Denied_Reason.REASON_HELD, holder('x', 5));
    expect((await free)?.state).to.equal('held');
    expect(await held).to.equal(undefined);
  });

  it('fails at once without a connection', async () => {
    const harness = await ClientHarness.connected();
    harness.stream.close({ message: 'connection reset' });
    const error = await rejectionOf(harness.client.tryAcquire('r'));
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
    expect(error.message).to.equal('not connected to a server: connection reset');
  });

  it('asks the next server while the session moves there', async () => {
    const harness = await ClientHarness.connected({}, 2);
    harness.stream.say(0, { $case: 'draining', value: { remainingMs: 10_000 } });
    harness.stream.ready();
    const pending = harness.client.tryAcquire('r');
    await harness.clock.settle();
    expect(harness.stream.sent('acquire')).to.deep.equal([]);
    harness.stream.opened();
    await harness.clock.settle();
    harness.stream.grantLast();
    expect((await pending)?.state).to.equal('held');
  });

  it('fails when the connection breaks under it, and gives up what may have been granted', async () => {
    const harness = await ClientHarness.connected();
    const rejection = rejectionOf(harness.client.tryAcquire('r'));
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    harness.stream.close();
    expect(await rejection).to.include({ code: 'UNAVAILABLE' });
    const stream = await harness.reconnect();
    expect(stream.last('resume').value.entries).to.have.length(1);
    expect(stream.last('resume').value.entries[0]).to.deep.include({ claim: 3, requestId: BigInt(id) });
  });

  it('fails when no answer comes, and takes nothing back that comes later', async () => {
    const harness = await ClientHarness.connected();
    const rejection = rejectionOf(harness.client.tryAcquire('r'));
    await harness.beat(5_000);
    expect(await rejection).to.include({ code: 'UNAVAILABLE' });
    const { id } = harness.stream.last('acquire');
    expect(harness.stream.last('cancel').value.requestId).to.equal(BigInt(id));
    harness.stream.grant(id);
    await harness.clock.settle();
    expect(harness.stream.last('release').value.requestId).to.equal(BigInt(id));
  });

  it('fails rather than to wait for a store', async () => {
    const harness = await ClientHarness.connected();
    const rejection = rejectionOf(harness.client.tryAcquire('r'));
    await harness.clock.settle();
    harness.stream.fail(harness.stream.last('acquire').id, {
      reason: 'STORE_UNAVAILABLE',
      message: 'no disk',
      retryAfterMs: 250,
    });
    expect(await rejection).to.include({ code: 'UNAVAILABLE', retryAfterMs: 250 });
  });
});
