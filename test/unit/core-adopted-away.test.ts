import { expect } from 'chai';
import { CoreRig, hash, request } from '../support/core-rig.js';

const TTL_MS = 10_000;
const ADOPTION_MS = 50;
/** Between a refusal and the next bid lie 200 ms at most. */
const PACE_MS = 250;

describe('core: a lease that is adopted for a client that has gone meanwhile', () => {
  it('is asked for at the store also when its stream ended while it was adopted (L1)', async () => {
    const [first, second] = CoreRig.several(2) as [CoreRig, CoreRig];
    const { clock } = first;
    const holder = await first.client('holder');
    const lease = holder.acquire('r', { ttlMs: TTL_MS, hash: hash('h1') });
    await clock.settle();
    // Sessions are numbered at each server: this one takes the holder's number there.
    await second.client('somebody');
    const waiter = await second.client('waiter');
    waiter.acquire('r', { ttlMs: TTL_MS, waitMs: 600_000 });
    await clock.settle();
    const { leaseId, tokens } = holder.answer('granted', lease);
    const again = request('r', { ttlMs: TTL_MS, hash: hash('h2'), earlierHashes: [hash('h1')] });
    second.store.answerDelayMs = () => ADOPTION_MS;
    holder.cut();
    holder.moveTo(second, [{ claim: 'held', requestId: lease, leaseId, token: tokens[0] ?? 0n, request: again }]);
    await clock.advance(ADOPTION_MS / 2);
    holder.cut();
    await clock.advance(ADOPTION_MS);
    second.store.answerDelayMs = () => 0;
    await clock.settle();
    const bids = bidsOf(second);
    await clock.advance(PACE_MS);
    expect(bids()).to.be.greaterThan(0);
  });
});

/** Counts the bids that a server makes from now on. */
function bidsOf({ store }: CoreRig): () => number {
  const { acquire } = store;
  let count = 0;
  store.acquire = (...args) => {
    count += 1;
    acquire.apply(store, args);
  };
  return () => count;
}
