import { expect } from 'chai';
import { HoldfastScene, loseNodes, requestsTake } from '../support/peers/holdfast-scene.js';
import { PeerScene, redisSemaphore } from '../support/peers/peer-scene.js';
import type { Stay } from '../support/peers/stay.js';
import type { StubLink } from '../support/peers/stub-redis.js';

const TTL_MS = 2_000;
const LOCK = { resource: 'a', ttlMs: TTL_MS };
/** Three clients, each of which is the last at another of three nodes. */
const ORDERS = [
  [10, 20, 30],
  [30, 10, 20],
  [20, 30, 10],
];
/** When nodes cannot be reached any more: before the first extension. */
const LOST_AT_MS = 500;

describe('redis-semaphore 5.8.0 under the history checker; a newer version may pass where this one does not', () => {
  describe('three clients, each the last at another of three nodes', () => {
    const plan = { ...LOCK, waitMs: 10_000, forMs: 1_000 };

    it('redis-semaphore: all three hold two permits (I3)', async () => {
      const scene = new PeerScene(3);
      const stays: Stay[] = [];
      await scene.play(20_000, {
        0: () =>
          ORDERS.forEach((order, index) => {
            const using = redisSemaphore(scene.links(order), { permits: 2 });
            stays.push(scene.stay(`client-${index + 1}`, using, plan, 2));
          }),
      });
      expect(scene.history.violations.some((text) => /both hold a, permit 2 of 2/.test(text))).to.equal(true);
      // No call failed and none was late: all three were granted in one round, and no node admitted more than two.
      expect(stays.map(({ grantedAtMs }) => grantedAtMs)).to.deep.equal([31, 31, 31]);
    });

    it('Holdfast: one at a time holds what is exclusive (it has no permits)', async () => {
      const scene = new HoldfastScene(3);
      const pairs = await scene.begin();
      pairs.forEach(({ nodes }, index) => {
        requestsTake(nodes, ORDERS[index] ?? []);
      });
      const stays: Stay[] = [];
      await scene.play(20_000, {
        0: () => stays.push(...pairs.map((pair, index) => scene.stay(`client-${index + 1}`, pair, plan))),
      });
      expect(scene.history.violations).to.deep.equal([]);
      expect(stays.map(({ grantedAtMs }) => typeof grantedAtMs)).to.deep.equal(['number', 'number', 'number']);
    });
  });

  describe('a lock whose refresh fails, again and again', () => {
    const plan = { ...LOCK, waitMs: 20_000, forMs: 15_000 };

    /** A holder that loses its way to all nodes, or to the last `lost`, and then somebody else who wants the lock. */
    async function lose(
      kind: 'one node' | 'quorum',
      state: StubLink['state'],
      lost?: number,
    ): Promise<{ readonly scene: PeerScene; readonly holder: Stay; readonly next: Stay }> {
      const scene = new PeerScene(kind === 'one node' ? 1 : 3);
      const [mine, others] = [scene.links(), scene.links()];
      const stays: Stay[] = [];
      await scene.play(40_000, {
        0: () => stays.push(scene.stay('holder', redisSemaphore(mine, kind), plan)),
        [LOST_AT_MS]: () => {
          for (const link of mine.slice(-(lost ?? mine.length))) link.state = state;
          stays.push(scene.stay('next', redisSemaphore(others, kind), plan));
        },
      });
      const [holder, next] = stays as [Stay, Stay];
      return { scene, holder, next };
    }

    it('redis-semaphore: a mutex at one node never says so, and lets errors go unheard (I3)', async () => {
      const { scene, holder } = await lose('one node', 'refusing');
      expect(scene.history.violations.some((text) => /next and holder both hold a/.test(text))).to.equal(true);
      expect(holder.toldOfLossAtMs).to.equal(undefined);
      expect(scene.unheard.length).to.be.greaterThan(5);
      for (const reason of scene.unheard) expect(String(reason)).to.equal('Error: Connection is closed.');
    });

    it('redis-semaphore: a mutex at three nodes never says so when one of them stops answering (I3)', async () => {
      const { scene, holder } = await lose('quorum', 'silent', 1);
      expect(scene.history.violations.some((text) => /next and holder both hold a/.test(text))).to.equal(true);
      expect(holder.toldOfLossAtMs).to.equal(undefined);
      expect(scene.unheard).to.deep.equal([]);
    });

    it('redis-semaphore: a mutex at three nodes says so when calls fail there', async () => {
      const { scene, holder, next } = await lose('quorum', 'refusing');
      expect(scene.history.violations).to.deep.equal([]);
      expect(holder.toldOfLossAtMs).to.be.lessThan(next.grantedAtMs ?? 0);
    });

    it('Holdfast: the holder hears of it before its validity ends', async () => {
      const scene = new HoldfastScene(1);
      const [first, second] = await scene.begin();
      const stays: Stay[] = [];
      await scene.play(40_000, {
        0: () => stays.push(scene.stay('holder', first, plan)),
        [LOST_AT_MS]: () => {
          loseNodes(first.nodes, 'refused');
          stays.push(scene.stay('next', second, plan));
        },
      });
      expect(scene.history.violations).to.deep.equal([]);
      expect(stays[0]?.leftAtLossMs).to.be.within(TTL_MS / 20 - 1, TTL_MS / 20 + 1);
      expect(stays[1]?.grantedAtMs).to.be.greaterThan(stays[0]?.toldOfLossAtMs ?? Number.POSITIVE_INFINITY);
    });

    it('Holdfast: the holder keeps it when one of three nodes stops answering', async () => {
      const scene = new HoldfastScene(3);
      const [first, second] = await scene.begin();
      const stays: Stay[] = [];
      await scene.play(40_000, {
        0: () => stays.push(scene.stay('holder', first, plan)),
        [LOST_AT_MS]: () => {
          loseNodes(first.nodes.slice(2), 'not answered');
          stays.push(scene.stay('next', second, plan));
        },
      });
      expect(scene.history.violations).to.deep.equal([]);
      const [holder, next] = stays;
      expect(holder?.toldOfLossAtMs).to.equal(undefined);
      expect((next?.grantedAtMs ?? 0) - (holder?.grantedAtMs ?? 0)).to.be.at.least(plan.forMs);
    });
  });

  describe('answers that take longer than the lock stands', () => {
    const plan = { ...LOCK, waitMs: 6_000, forMs: 1_000 };

    it('redis-semaphore: gives out a lock that has ended, while another client has it (I3)', async () => {
      const scene = new PeerScene(3);
      const [slow, usual] = [scene.links(), scene.links()];
      for (const link of slow) link.replyMs = TTL_MS + 1_000;
      await scene.play(20_000, {
        0: () => scene.stay('slow', redisSemaphore(slow, 'quorum'), plan),
        [TTL_MS + 500]: () => scene.stay('usual', redisSemaphore(usual, 'quorum'), plan),
      });
      expect(scene.history.violations.some((text) => /slow and usual both hold a/.test(text))).to.equal(true);
    });
  });
});
