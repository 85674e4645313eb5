import { expect } from 'chai';
import Redlock from 'redlock';
import { HoldfastScene, loseNodes, requestsTake } from '../support/peers/holdfast-scene.js';
import { nodeRedlock, PeerScene } from '../support/peers/peer-scene.js';
import type { Stay } from '../support/peers/stay.js';
import { asClients } from '../support/peers/stub-redis.js';

const TTL_MS = 2_000;
/** As node-redlock reckons it: a hundredth and two milliseconds less than its keys stand. */
const VALIDITY_MS = TTL_MS - TTL_MS / 100 - 2;
const LOCK = { resource: 'a', ttlMs: TTL_MS };
/** Each of two clients is the first at half of four nodes. */
const NEAR_AND_FAR = [10, 10, 20, 20];
const FAR_AND_NEAR = [20, 20, 10, 10];

describe('node-redlock 5.0.0-beta.2 under the history checker; a newer version may pass where this one does not', () => {
  describe('two clients with half of four nodes each', () => {
    const plan = { ...LOCK, waitMs: 3_000, forMs: 100 };

    it('node-redlock: neither ever has an answer (I5)', async () => {
      const scene = new PeerScene(4);
      const [one, other] = [scene.links(NEAR_AND_FAR), scene.links(FAR_AND_NEAR)];
      await scene.play(600_000, {
        0: () => {
          scene.stay('one', nodeRedlock(one), plan);
          scene.stay('other', nodeRedlock(other), plan);
        },
      });
      expect(scene.history.violations).to.have.length(2);
      for (const violation of scene.history.violations) expect(violation).to.match(/never had an answer for a$/);
      // Nothing was lost: every call was answered, and no other was made.
      expect([...one, ...other].map(({ calls }) => calls)).to.deep.equal([1, 1, 1, 1, 1, 1, 1, 1]);
    });

    it('Holdfast: both have an answer, and nobody holds what another does', async () => {
      const scene = new HoldfastScene(4);
      const [one, other] = await scene.begin();
      requestsTake(one.nodes, NEAR_AND_FAR);
      requestsTake(other.nodes, FAR_AND_NEAR);
      const stays: Stay[] = [];
      await scene.play(20_000, {
        0: () => stays.push(scene.stay('one', one, plan), scene.stay('other', other, plan)),
      });
      expect(scene.history.violations).to.deep.equal([]);
      expect(stays.map(({ isOver }) => isOver)).to.deep.equal([true, true]);
      expect(stays.map(({ grantedAtMs }) => typeof grantedAtMs)).to.deep.equal(['number', 'number']);
    });
  });

  describe('answers that take longer than the lock stands', () => {
    const plan = { ...LOCK, waitMs: 6_000, forMs: 1_000 };

    it('node-redlock: gives out a lock whose validity is over, while another client has it (I3)', async () => {
      const scene = new PeerScene(3);
      const [slow, usual] = [scene.links(), scene.links()];
      for (const link of slow) link.replyMs = TTL_MS + 1_000;
      await scene.play(10_000, {
        0: () => scene.stay('slow', nodeRedlock(slow), plan),
        [TTL_MS + 500]: () => scene.stay('usual', nodeRedlock(usual), plan),
      });
      expect(scene.history.violations.some((text) => /slow and usual both hold a/.test(text))).to.equal(true);
    });

    it('node-redlock: acquire resolves with a lock that has ended already', async () => {
      const scene = new PeerScene(3);
      const slow = scene.links();
      for (const link of slow) link.replyMs = TTL_MS + 1_000;
      const redlock = new Redlock(asClients(slow), { retryCount: 10, retryDelay: 200, retryJitter: 0 });
      const leftMs: number[] = [];
      await scene.play(10_000, {
        0: () => void redlock.acquire(['a'], TTL_MS).then(({ expiration }) => leftMs.push(expiration - Date.now())),
      });
      expect(leftMs).to.deep.equal([VALIDITY_MS - TTL_MS - 1_001]);
    });

    it('Holdfast: gives out nothing that has ended', async () => {
      const scene = new HoldfastScene(3);
      const [slow, usual] = await scene.begin();
      for (const node of slow.nodes) node.replyMs = () => TTL_MS + 1_000;
      const stays: Stay[] = [];
      await scene.play(20_000, {
        0: () => stays.push(scene.stay('slow', slow, plan)),
        [TTL_MS + 500]: () => stays.push(scene.stay('usual', usual, plan)),
      });
      expect(scene.history.violations).to.deep.equal([]);
      expect(stays.map(({ grantedAtMs }) => typeof grantedAtMs)).to.deep.equal(['undefined', 'number']);
    });
  });

  describe('a lock that cannot be extended any more', () => {
    const plan = { ...LOCK, waitMs: 10_000, forMs: 5_000 };
    /** When the nodes cannot be reached any more: before the first extension. */
    const LOST_AT_MS = 500;

    it('node-redlock: its holder hears of it when another has had it for a second and a half (I3)', async () => {
      const scene = new PeerScene(3);
      const [holder, next] = [scene.links(), scene.links()];
      const stays: Stay[] = [];
      await scene.play(20_000, {
        0: () => stays.push(scene.stay('holder', nodeRedlock(holder), plan)),
        [LOST_AT_MS]: () => {
          for (const link of holder) link.state = 'refusing';
          stays.push(scene.stay('next', nodeRedlock(next, { retryCount: -1, retryDelay: 10 }), plan));
        },
      });
      expect(scene.history.violations.some((text) => /next and holder both hold a/.test(text))).to.equal(true);
      const [first, second] = stays;
      expect((first?.toldOfLossAtMs ?? 0) - (second?.grantedAtMs ?? 0)).to.be.within(1_400, 1_600);
    });

    it('node-redlock: without retries its holder relies on it to the very end of its validity (I4)', async () => {
      const scene = new PeerScene(3);
      const holder = scene.links();
      const stays: Stay[] = [];
      await scene.play(20_000, {
        0: () => {
          const using = nodeRedlock(holder, { retryCount: 0 });
          stays.push(scene.stay('holder', using, { ...plan, validityMs: VALIDITY_MS }));
        },
        [LOST_AT_MS]: () => {
          for (const link of holder) link.state = 'refusing';
        },
        [VALIDITY_MS]: () => stays[0]?.relies(),
      });
      expect(scene.history.violations).to.have.length(1);
      expect(scene.history.violations[0]).to.match(/I4.*holder relies on a/);
      expect(stays[0]?.toldOfLossAtMs).to.be.within(VALIDITY_MS, VALIDITY_MS + 1);
      // It asks again as fast as it is refused: here after a millisecond each time.
      expect(holder.reduce((sum, { calls }) => sum + calls, 0)).to.be.greaterThan(1_400);
    });

    it('node-redlock: its holder never hears of it where calls are not answered (I3)', async () => {
      const scene = new PeerScene(3);
      const [holder, next] = [scene.links(), scene.links()];
      const stays: Stay[] = [];
      await scene.play(600_000, {
        0: () => stays.push(scene.stay('holder', nodeRedlock(holder), { ...plan, forMs: 500_000 })),
        [LOST_AT_MS]: () => {
          for (const link of holder) link.state = 'silent';
          stays.push(scene.stay('next', nodeRedlock(next, { retryCount: -1, retryDelay: 10 }), plan));
        },
      });
      expect(scene.history.violations.some((text) => /next and holder both hold a/.test(text))).to.equal(true);
      expect(stays[0]?.toldOfLossAtMs).to.equal(undefined);
    });

    for (const how of ['refused', 'not answered'] as const) {
      it(`Holdfast: its holder hears of it before its validity ends, where calls are ${how}`, async () => {
        const scene = new HoldfastScene(3);
        const [first, second] = await scene.begin();
        const stays: Stay[] = [];
        await scene.play(30_000, {
          0: () => stays.push(scene.stay('holder', first, plan)),
          [LOST_AT_MS]: () => {
            loseNodes(first.nodes, how);
            stays.push(scene.stay('next', second, plan));
          },
        });
        expect(scene.history.violations).to.deep.equal([]);
        const [holder, next] = stays;
        // A twentieth of its time to live, by default.
        expect(holder?.leftAtLossMs).to.be.within(TTL_MS / 20 - 1, TTL_MS / 20 + 1);
        expect((next?.grantedAtMs ?? 0) - (holder?.toldOfLossAtMs ?? 0)).to.be.greaterThan(TTL_MS / 20);
      });
    }
  });
});
