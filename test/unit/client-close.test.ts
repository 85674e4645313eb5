import { expect } from 'chai';
import { ClientHarness, outcomeOf, rejectionOf } from './client-harness.js';

describe('client: close', () => {
  it('sends Close, waits for the answer and ends the stream', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r');
    const { signal } = lease;
    const waiting = rejectionOf(harness.client.acquire('s'));
    const closing = harness.client.close();
    expect(await waiting).to.include({ code: 'CLIENT_CLOSED' });
    expect(lease.state).to.equal('released');
    expect(signal.reason).to.include({ how: 'closed' });
    expect(() => lease.token).to.throw('closed');
    expect(await outcomeOf(closing)).to.equal('pending');
    await harness.clock.settle();
    const { id } = harness.stream.last('close');
    harness.stream.say(id, { $case: 'closed', value: {} });
    await closing;
    expect(harness.stream.ended).to.equal(true);
    expect(harness.client.state).to.equal('closed');
    expect(await lease.release()).to.deep.equal({ outcome: 'released' });
    expect(await rejectionOf(harness.client.acquire('s'))).to.include({ code: 'CLIENT_CLOSED' });
    expect(await rejectionOf(harness.client.tryAcquire('s'))).to.include({ code: 'CLIENT_CLOSED' });
    expect(harness.engaged).to.equal(false);
    expect(harness.clock.pending).to.equal(0);
  });

  it('takes nothing more from the message that ends it', async () => {
    const harness = await ClientHarness.connected();
    const closing = harness.client.close();
    await harness.clock.settle();
    const { id } = harness.stream.last('close');
    harness.stream.sayAll([
      { id: BigInt(id), kind: { $case: 'closed', value: {} } },
      { id: 1n, kind: { $case: 'heldListRequested', value: {} } },
    ]);
    await closing;
    expect(harness.stream.sent('heldList')).to.have.length(0);
  });

  it('does not wait for a server for ever', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r');
    const closing = harness.client.close();
    await harness.clock.advance(2_000);
    await closing;
    expect(await lease.release()).to.deep.equal({ outcome: 'unknown' });
    expect(harness.clock.pending).to.equal(0);
  });

  for (const [when, prepare] of [
    ['while reconnecting', (harness: ClientHarness) => harness.stream.close()],
    ['after it failed', (harness: ClientHarness) => harness.stream.close({ statusCode: 7 })],
  ] as const) {
    it(`ends at once ${when}`, async () => {
      const harness = await ClientHarness.connected();
      await harness.hold('r');
      prepare(harness);
      await harness.client.close();
      expect(harness.client.state).to.equal('closed');
      expect(harness.engaged).to.equal(false);
      expect(harness.clock.pending).to.equal(0);
    });
  }

  it('may be asked for twice, and by a listener that hears of a loss', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const { lease: other } = await harness.hold('s');
    lease.on('state', () => void harness.client.close());
    harness.stream.lose(id);
    expect(other.state).to.equal('released');
    await harness.clock.settle();
    harness.stream.say(harness.stream.last('close').id, { $case: 'closed', value: {} });
    await harness.client.close();
    await harness.client[Symbol.asyncDispose]();
    expect(harness.clock.pending).to.equal(0);
  });
});
