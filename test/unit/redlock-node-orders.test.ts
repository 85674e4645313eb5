import { expect } from 'chai';
import { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import { grantee, resource } from '../contract/store-bids.js';
import { Verbs } from '../contract/verbs.js';
import { MembershipRig } from '../support/redlock/membership-rig.js';
import { ModelNode } from '../support/redlock/model-node.js';

const TTL_MS = 2_000;
const STANDS_MS = Math.ceil(TTL_MS * 1.01 + 5);

describe('an operator who has a lock forgotten', () => {
  let rig: MembershipRig;

  beforeEach(() => {
    rig = new MembershipRig(3, { maxTtlMs: TTL_MS });
  });

  /** A server of its own, whose leases may last so long. */
  function server(maxTtlMs: number): RedlockStore {
    const settings = { ...rig.settings, maxTtlMs };
    const nodes = rig.redises.map((redis) => new ModelNode(redis, settings, { serverId: `up to ${maxTtlMs}` }));
    const store = new RedlockStore(settings, nodes, {
      clock: rig.world,
      random: { bytes: (count) => new Uint8Array(count), unit: () => 0.5 },
      events: { event: () => undefined, fatal: () => undefined },
    });
    store.open();
    return store;
  }

  async function declared(): Promise<RedlockStore> {
    const store = server(TTL_MS);
    await rig.world.advance(50);
    await rig.during(store.nodes.declareNew());
    await rig.world.advance(1_000);
    return store;
  }

  const forget = (store: RedlockStore, always = false): Promise<{ readonly kind: string; readonly message: string }> =>
    rig.during(store.nodes.forget(resource('a'), always));

  it('takes no lease away that another server may grant for longer', async () => {
    const first = await declared();
    const second = server(3 * TTL_MS);
    await rig.world.advance(500);
    await rig.during(new Verbs(() => second).granted('a', grantee('A', { ttlMs: 3 * TTL_MS })));
    const outcome = await forget(first);
    expect(outcome.kind, outcome.message).to.equal('refused');
    expect(outcome.message).to.contain('may be a lease somebody relies on');
    expect((await forget(first, true)).kind).to.equal('done');
  });

  it('takes away what stands for longer than any lease', async () => {
    const store = await declared();
    for (const { keys } of rig.redises) keys.set('holdfast:default:lock:a', 'whose?', STANDS_MS + 1_000);
    expect(await forget(store)).to.deep.include({ kind: 'done', message: 'a was forgotten by 3 of 3 nodes' });
  });

  it('has to wait where no quorum says how long leases may last', async () => {
    const store = await declared();
    for (const redis of rig.redises.slice(1)) redis.stop();
    await rig.world.advance(50);
    const outcome = await forget(store);
    expect(outcome.kind).to.equal('refused');
    expect(outcome.message).to.contain('how long the leases of other servers may last');
    expect(outcome.message).to.contain('2 of 3 nodes unreachable');
  });
});
