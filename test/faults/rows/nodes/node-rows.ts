import { nowUs } from '../../../history/events.js';
import { freeAgainMs, NODE_DEADLINE_MS, PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { NO_DELETION, NO_MAJORITY, NO_QUARANTINE } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { granted, heldEverywhere, LASTING_TTL_MS, R, reached, SMALL, towardsTheirOwn, underLoad } from '../scenes.js';

const C1: PlayedRow = {
  id: 'C1',
  title: 'one node killed, then a second one, while two servers contend',
  kind: 'played',
  control: NO_MAJORITY,
  play: async (stage) => {
    const cell = await stage.cell(SMALL);
    towardsTheirOwn(cell);
    const { shifts, failures } = await underLoad(stage, cell, async () => {
      await reached(nowUs() + 1_500_000);
      await cell.redis(2).kill();
      await reached(nowUs() + 1_500_000);
      await cell.redis(4).kill();
      await reached(nowUs() + 1_500_000);
    });
    const startMs = performance.now();
    await cell.client(1).acquire('after', TTL_MS, PATIENCE_MS);
    const tookMs = performance.now() - startMs;
    return (figures) =>
      `${shifts.join(' and ')} leases under load, ${failures} failures, one more within ${seconds(tookMs)}; ${measured(figures)}`;
  },
};

const C2: PlayedRow = {
  id: 'C2',
  title: 'three nodes of five killed; one comes back empty',
  kind: 'played',
  control: { ...NO_MAJORITY, breaks: /^I10 at .* when nothing could be certain/ },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1 });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all(cell.clients.map((client) => client.connect(cell.server().address)));
    await holder.acquire(R, TTL_MS);
    await Promise.all([1, 3, 5].map((number) => cell.redis(number).kill()));
    stage.faultBegins('three nodes are gone', ['UnavailableError', 'WaitTimeoutError']);
    const words = await other.refusal('another', TTL_MS);
    const saysWhy = /3 of 5 nodes (unreachable|did not vote)/.test(words ?? '');
    stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, saysWhy);
    await holder.lost();
    stage.check('I4', 'the holder may write without a majority', !(await holder.mayWrite(R)));
    stage.faultEnds('three nodes are gone', [R], cell.quarantineMs + PATIENCE_MS);
    const backMs = performance.now();
    await cell.redis(3).restart({ empty: true });
    await granted(cell, 2, R, cell.quarantineMs + PATIENCE_MS);
    const tookMs = performance.now() - backMs;
    stage.check('S1', 'granted before the quarantine was over', tookMs >= cell.quarantineMs);
    await other.release(R);
    return (figures) => `granted again ${seconds(tookMs)} after one was back; ${measured(figures)}`;
  },
};

const ROUNDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const KEPT = 'before';
const REFUSED = 'refused';
/** Nodes that go on do at once what they are told; the rest is for a loaded machine. */
const CLEAN_WITHIN_MS = 3_000;

const C3: PlayedRow = {
  id: 'C3',
  title:
    'two nodes stand still while a bid fails and leases are taken and given back, and then go on with what they were told',
  kind: 'played',
  control: {
    without: 'deleting later, from nodes that stood still, what failed bids and given back leases have left there',
    edits: [
      ...NO_DELETION.edits,
      {
        file: 'server/src/store/redlock/coordinator/release-motion.ts',
        original: '    this.actions.cleanUp(node, this.entry, this.leftoverUntilMs);',
        replacement: "    if (node < 0) throw new Error('there is no such node');",
      },
    ],
    breaks: /^I6: no key of /,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LASTING_TTL_MS });
    const [client, other] = [cell.client(1), cell.client(2)];
    await Promise.all([client, other].map((each) => each.connect(cell.server().address)));
    const silent = [cell.redis(2), cell.redis(5)];
    for (const redis of silent) redis.pause();
    cell.cut(1, 4);
    const words = await other.refusal(REFUSED, LASTING_TTL_MS);
    stage.check('I10', 'two of five granted', words !== undefined);
    for (const redis of silent) redis.resume();
    cell.heal();
    await heldEverywhere(cell, KEPT);
    for (const redis of silent) redis.pause();
    const tookMs: number[] = [];
    for (const name of ROUNDS) {
      const startMs = performance.now();
      await client.acquire(name, LASTING_TTL_MS, PATIENCE_MS);
      tookMs.push(performance.now() - startMs);
      await client.release(name);
    }
    // What these nodes are told now they have to be told later: they have let a deadline pass.
    await reached(nowUs() + 2_000 * NODE_DEADLINE_MS);
    await client.release(KEPT);
    const longestMs = Math.max(...tookMs);
    const isInTime = longestMs < 2 * NODE_DEADLINE_MS + SLACK_MS / 4;
    stage.check('L6', `a silent node delayed a grant by ${seconds(longestMs)}`, isInTime);
    for (const redis of silent) redis.resume();
    const startMs = performance.now();
    const names = [[REFUSED], [...ROUNDS, KEPT]];
    await Promise.all(names.map((each) => stage.noLocksLeft(each, CLEAN_WITHIN_MS, LASTING_TTL_MS)));
    const cleanMs = performance.now() - startMs;
    return (figures) =>
      `grants in ${seconds(longestMs)} at most, 0 keys left ${seconds(cleanMs)} after; ${measured(figures)}`;
  },
};

const C12: PlayedRow = {
  id: 'C12',
  title: 'three nodes are given an eviction policy while they run',
  kind: 'played',
  control: {
    without: 'the look at the eviction policy',
    edits: [
      {
        file: 'server/src/store/redlock/node/node-info.ts',
        original: 'if (policy !== POLICY) return',
        replacement: "if (policy === 'none at all') return",
      },
    ],
    breaks: /^I10: such nodes to be found out/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 1 });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    await client.acquire(R, TTL_MS);
    const startMs = performance.now();
    for (const number of [1, 2, 3]) await cell.redis(number).client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await stage.soon('I10', 'such nodes to be found out', PATIENCE_MS, async () => {
      const words = await client.refusal('other', TTL_MS);
      if (words === undefined) await client.release('other');
      return /eviction policy allkeys-lru/.test(words ?? '');
    });
    const tookMs = performance.now() - startMs;
    await client.release(R);
    return (figures) => `found out after ${seconds(tookMs)}; ${measured(figures)}`;
  },
};

const FLAP_MS = { run: 120_000, control: 20_000 } as const;

const C20: PlayedRow = {
  id: 'C20',
  title: 'five nodes each up for a second and down for a second, at random, for two minutes',
  kind: 'played',
  control: NO_MAJORITY,
  limitMs: 420_000,
  play: async (stage) => {
    const cell = await stage.cell(SMALL);
    towardsTheirOwn(cell);
    const endUs = nowUs() + 1_000 * FLAP_MS[stage.control === undefined ? 'run' : 'control'];
    let turns = 0;
    const { shifts, failures } = await underLoad(stage, cell, async () => {
      await Promise.all(
        [1, 2, 3, 4, 5].map(async (number) => {
          while (nowUs() < endUs) {
            await reached(nowUs() + (0.5 + Math.random()) * 1_000_000);
            turns += 1;
            const isPaused = Math.random() < 0.5;
            if (isPaused) cell.redis(number).pause();
            else for (const server of [1, 2]) cell.way(server, number).cut(true);
            await reached(nowUs() + (0.5 + Math.random()) * 1_000_000);
            if (isPaused) cell.redis(number).resume();
            else for (const server of [1, 2]) cell.way(server, number).heal();
            towardsTheirOwn(cell);
          }
        }),
      );
    });
    const startMs = performance.now();
    await granted(cell, 1, 'after', freeAgainMs(TTL_MS) + PATIENCE_MS);
    const tookMs = performance.now() - startMs;
    const load = `${turns} faults, ${shifts.join(' and ')} leases, ${failures} failures`;
    return (figures) => `${load}, recovered after ${seconds(tookMs)}; ${measured(figures)}`;
  },
};

const KEYS = 250;
const KEY_LOAD_US = 10_000;

const C17: PlayedRow = {
  id: 'C17',
  title: 'a node is loading its data for seconds',
  kind: 'played',
  control: { ...NO_QUARANTINE, breaks: /^S1: it voted before its quarantine was over/ },
  play: async (stage) => {
    const slow = [
      ['appendonly', 'yes'],
      ['key-load-delay', String(KEY_LOAD_US)],
    ];
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 1, redis: { directives: slow } });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    const fill = Array.from({ length: KEYS }, (_, index) => cell.redis(3).client.set(`other-${index}`, '1'));
    await Promise.all(fill);
    const startMs = performance.now();
    const loading = cell.redis(3).restart();
    let grants = 0;
    for (let isLoaded = false; !isLoaded; grants += 1) {
      await client.acquire(R, TTL_MS, PATIENCE_MS);
      await client.release(R);
      isLoaded = await Promise.race([loading.then(() => true), reached(nowUs() + 50_000).then(() => false)]);
    }
    const loadedMs = performance.now() - startMs;
    stage.check('C17', `it was loaded after ${seconds(loadedMs)}`, loadedMs > (KEYS * KEY_LOAD_US) / 2_000);
    await cell.admitted(3, cell.quarantineMs + PATIENCE_MS);
    const votesMs = performance.now() - startMs - loadedMs;
    stage.check('S1', 'it voted before its quarantine was over', votesMs >= cell.quarantineMs - SLACK_MS / 4);
    return (figures) =>
      `loading for ${seconds(loadedMs)}, ${grants} grants meanwhile, votes ${seconds(votesMs)} later; ${measured(figures)}`;
  },
};

export const NODE_ROWS = { C1, C2, C3, C12, C17, C20 };
