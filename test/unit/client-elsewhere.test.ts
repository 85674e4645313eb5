import { expect } from 'chai';
import { ClientHarness, rejectionOf } from './client-harness.js';

const AWAY = { reason: 'STORE_UNAVAILABLE', message: '5 of 5 nodes unreachable' } as const;

/** Tries `r` on the newest stream, whose server cannot reach its store. */
async function tryInVain(harness: ClientHarness): Promise<void> {
  const refused = rejectionOf(harness.client.acquire('r', { ttlMs: 30_000, waitMs: 0 }));
  await harness.clock.settle();
  harness.stream.fail(harness.stream.last('acquire').id, AWAY);
  expect(await refused).to.include({ code: 'UNAVAILABLE' });
}

describe('client: a server that cannot reach its store', () => {
  it('is left for another, leases and all, once that one is there (D14)', async () => {
    const harness = await ClientHarness.connected({}, 2);
    const { lease, id } = await harness.hold('kept');
    const [blind] = harness.streams;
    await tryInVain(harness);
    expect(harness.stream.target).to.equal(1);
    expect(blind?.ended).to.equal(false);
    harness.stream.ready();
    expect(blind?.ended).to.equal(true);
    harness.stream.opened();
    harness.stream.resumed({ request: id, outcome: 1, durationMs: 30_000 });
    expect(lease.state).to.equal('held');
    expect(harness.states).to.deep.equal(['connected']);
  });

  it('is not left for one that cannot either more often than every few seconds', async () => {
    const harness = await ClientHarness.connected({}, 2);
    const moved = async (): Promise<void> => {
      await tryInVain(harness);
      harness.stream.ready();
      harness.stream.opened();
    };
    await moved();
    const began = harness.clock.nowMs();
    await tryInVain(harness);
    expect(harness.streams).to.have.length(2);
    while (harness.streams.length < 3) {
      await harness.clock.advance(1_000);
      await tryInVain(harness);
    }
    expect(harness.clock.nowMs() - began).to.be.within(5_000, 11_000);
    expect(harness.stream.target).to.equal(0);
  });

  it('is kept where it is the only one', async () => {
    const harness = await ClientHarness.connected();
    await tryInVain(harness);
    expect(harness.streams).to.have.length(1);
  });
});
