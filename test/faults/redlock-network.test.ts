import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import { FaultRig, type FaultServer, MAX_TTL_MS, NODE_DEADLINE_MS, PATIENCE_MS } from '../support/redlock/fault-rig.js';
import type { Treatment } from '../support/tcp-proxy.js';

/** So long that what vanishes much sooner was deleted and did not expire. */
const LONG_TTL_MS = 10_000;
/** What a loaded machine may add to a call. */
const SLACK_MS = 1_000;
const ALL = [1, 2, 3, 4, 5];
const HOLD: Treatment = { kind: 'hold' };
const PASS: Treatment = { kind: 'pass' };

describe('faults: the network between servers and Redis nodes', function () {
  this.timeout(30_000);
  let rig: FaultRig;
  beforeEach(async () => {
    rig = await FaultRig.start();
  });
  afterEach(() => rig.finish());

  it('D1: cut off from 2 nodes a server goes on, from 3 it grants nothing and says why, and it recovers (I10, I11)', async () => {
    const server = await rig.firstServer({}, ALL);
    const holding = await rig.hold(server, 'r');
    holding.keep();
    for (const number of [1, 2]) server.way(number).cut(true);
    await (await rig.hold(server, 'other')).release();
    server.way(3).cut(true);
    rig.beliefs.uncertain('3 nodes cut off', ['another']);
    await rig.refusal(server, 'another', /^3 of 5 nodes unreachable: redis-1 .*, redis-2 .*, redis-3 .*connection/);
    expect(await holding.extend()).to.equal('unknown');
    const recoveryMs = MAX_TTL_MS + 2_000 + PATIENCE_MS;
    rig.beliefs.certain('3 nodes cut off', ['another'], recoveryMs);
    for (const number of [1, 2, 3]) server.way(number).heal();
    await rig.hold(server, 'another', MAX_TTL_MS, recoveryMs);
  });

  it('D2: two servers with different majorities, A, B, C and C, D, E, never grant at once, and tokens rise (I1, I3)', async () => {
    const left = await rig.firstServer({}, [4, 5]);
    const right = await rig.nextServer({}, [1, 2]);
    await apart(left, [4, 5]);
    await apart(right, [1, 2]);
    const loads = [left, right].map((server) => rig.load(server, 'r', MAX_TTL_MS));
    await eventually(PATIENCE_MS, '20 grants for each', () => loads.every(({ grants }) => grants >= 20) || undefined);
    await Promise.all(loads.map((load) => load.stop()));
    for (const server of [left, right, left, right]) {
      const holding = await rig.hold(server, 'r');
      const other = server === left ? right : left;
      expect((await rig.attempt(other, 'r')).kind).to.equal('held');
      await holding.release();
    }
  });

  it('D2: with different majorities a holder that only one node has in common keeps the other side out', async () => {
    const left = await rig.firstServer({}, [4, 5]);
    const right = await rig.nextServer({}, [1, 2]);
    await apart(left, [4, 5]);
    await apart(right, [1, 2]);
    await rig.hold(left, 'r');
    await rig.hold(right, 'r');
    expect(rig.beliefs.judged.figures.marginMs).to.be.greaterThan(0);
  });

  it('D3: where requests arrive and replies are lost, the key is freed by an abort, and a retry is not in its own way (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS, nodeDeadlineMs: 1_000 }, ALL);
    for (const number of [1, 2, 3]) server.way(number).treat('down', HOLD);
    const bid = rig.attempt(server, 'r', LONG_TTL_MS, 'same');
    await rig.stands('r', 5);
    const refused = await bid;
    expect(refused.kind === 'unavailable' && refused.message).to.match(/timed out after \d+ ms/);
    // The nodes that answered were told at once, the others are as soon as they answer again.
    await rig.stands('r', 3);
    for (const number of [1, 2, 3]) server.way(number).treat('down', PASS);
    await rig.stands('r', 0, LONG_TTL_MS / 4);
    const retried = await rig.attempt(server, 'r', LONG_TTL_MS, 'same');
    expect(retried.kind).to.equal('granted');
  });

  it('D3: a retry sent while the leftovers still stand replaces them', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS }, ALL);
    for (const number of [1, 2, 3]) server.way(number).treat('down', HOLD);
    expect((await rig.attempt(server, 'r', LONG_TTL_MS, 'same')).kind).to.equal('unavailable');
    await rig.stands('r', 3);
    for (const number of [1, 2, 3]) server.way(number).treat('down', PASS);
    await eventually(LONG_TTL_MS / 4, 'a grant', async () => {
      const retried = await rig.attempt(server, 'r', LONG_TTL_MS, 'same');
      if (retried.kind === 'granted') retried.holding.keep();
      return retried.kind === 'granted' || undefined;
    });
    await rig.stands('r', 5);
  });

  it('D3: a lost connection instead of the replies leaves no key either (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS, nodeDeadlineMs: 1_000 }, ALL);
    for (const number of [1, 2, 3]) server.way(number).treat('down', HOLD);
    const bid = rig.attempt(server, 'r', LONG_TTL_MS);
    await rig.stands('r', 5);
    for (const number of [1, 2, 3]) {
      server.way(number).cut();
      server.way(number).heal();
    }
    expect((await bid).kind).to.equal('unavailable');
    await rig.stands('r', 0, LONG_TTL_MS / 4);
  });

  it('D4: where requests are held up, they come to nothing when they arrive, and a retry is granted (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS }, ALL);
    for (const number of [1, 2, 3]) server.way(number).treat('up', HOLD);
    const refused = await rig.attempt(server, 'r', LONG_TTL_MS, 'same');
    expect(refused.kind === 'unavailable' && refused.message).to.match(/timed out after \d+ ms/);
    await rig.stands('r', 0, LONG_TTL_MS / 4);
    for (const number of [1, 2, 3]) server.way(number).treat('up', PASS);
    await eventually(LONG_TTL_MS / 4, 'a grant', async () => {
      const retried = await rig.attempt(server, 'r', LONG_TTL_MS, 'same');
      if (retried.kind === 'granted') retried.holding.keep();
      return retried.kind === 'granted' || undefined;
    });
    await rig.stands('r', 5);
  });

  it('D4: a request that arrives when its connection is gone and its bid was aborted comes to nothing (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS }, ALL);
    const late = [1, 2, 3];
    for (const number of late) server.way(number).treat('up', HOLD);
    expect((await rig.attempt(server, 'r', LONG_TTL_MS)).kind).to.equal('unavailable');
    const stranded = late.map((number) => server.way(number).strand());
    for (const number of late) server.way(number).treat('up', PASS);
    // What a node was to be told goes before what is new.
    await eventually(PATIENCE_MS, 'a grant by all nodes', async () => {
      const holding = await rig.hold(server, 'other', LONG_TTL_MS);
      const everywhere = (await rig.values('other')).every((value) => value !== null);
      await holding.release();
      return everywhere || undefined;
    });
    await Promise.all(stranded.map((each) => each.deliver()));
    expect(await rig.values('r')).to.deep.equal([null, null, null, null, null]);
  });

  for (const bytes of [0, 1, 10, 60]) {
    it(`D9: connections reset after ${bytes} bytes of a reply may hold the lock: it is freed (I6)`, async () => {
      const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS }, ALL);
      for (const number of ALL) server.way(number).treat('down', { kind: 'reset_after', bytes });
      const refused = await rig.attempt(server, 'r', LONG_TTL_MS, 'same');
      expect(refused.kind).to.equal('unavailable');
      for (const number of ALL) server.way(number).heal();
      await eventually(LONG_TTL_MS / 2, 'a grant', async () => {
        const retried = await rig.attempt(server, 'r', LONG_TTL_MS, 'same');
        return retried.kind === 'granted' || undefined;
      });
    });
  }

  it('D9: a connection reset in the middle of the replies of a keeper costs it nothing while a majority answers', async () => {
    const server = await rig.firstServer({}, [1, 2]);
    const holding = await rig.hold(server, 'r');
    for (const number of [1, 2]) server.way(number).treat('down', { kind: 'reset_after', bytes: 20 });
    expect(await holding.extend()).to.equal('renewed');
    expect(await holding.release()).to.equal('released');
    for (const number of [1, 2]) server.way(number).heal();
    await rig.stands('r', 0, MAX_TTL_MS);
  });

  it('D8: half-open connections are noticed within one node deadline, and replaced', async () => {
    const server = await rig.firstServer({}, ALL);
    const holding = await rig.hold(server, 'r');
    for (const number of [1, 2, 3]) server.way(number).deafen();
    const deafMs = performance.now();
    const words = /^3 of 5 nodes unreachable: redis-1 timed out after \d+ ms, redis-2 timed out .*, redis-3 timed out/;
    await rig.refusal(server, 'other', words);
    expect(performance.now() - deafMs).to.be.lessThan(4 * NODE_DEADLINE_MS + SLACK_MS);
    expect(await holding.extend()).to.equal('unknown');
    await rig.hold(server, 'r');
    expect(performance.now() - deafMs).to.be.lessThan(3_000 + 2 * NODE_DEADLINE_MS + 2_000);
  });

  it('D7: with delays around the node deadline on every way, and no two alike, nobody grants twice (I1, I3)', async () => {
    const servers = [await rig.firstServer({}, ALL), await rig.nextServer({}, ALL)];
    const loads = servers.map((server) => rig.load(server, 'r', MAX_TTL_MS));
    const ways = servers.flatMap((server) => ALL.map((number) => server.way(number)));
    let round = 0;
    await eventually(PATIENCE_MS, '10 grants for each', () => {
      round += 1;
      for (const [index, way] of ways.entries()) {
        way.treat('up', { kind: 'delay', ms: (round * 7 + index * 5) % 37 });
        way.treat('down', { kind: 'delay', ms: (round * 11 + index * 3) % 41 });
      }
      return loads.every(({ grants }) => grants >= 10) || undefined;
    });
    await Promise.all(loads.map((load) => load.stop()));
  });
});

/** Cuts a server off from nodes, and waits until it knows. */
async function apart(server: FaultServer, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    server.way(number).cut(true);
    await server.sees(number, 'unavailable');
  }
}
