import { eventually } from '../../../support/deadline.js';
import type { RedisServer } from '../../../support/redis-server.js';
import { type Cell, NODE_DEADLINE_MS, PATIENCE_MS, SLACK_MS } from '../../harness/cell.js';
import type { Participant } from '../../harness/participant.js';
import type { Control, Stage } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { heldEverywhere, LASTING_TTL_MS, R, SMALL } from '../scenes.js';

/** Within the node deadline: whoever waits for such a node has its answer. */
const FAR_MS = 200;
const SLEEP_S = 2;
const ROUNDS = { run: 100, control: 10 } as const;
const SLOW = [4, 5];
const ALL = [1, 2, 3, 4, 5];

const ALL_ANSWER: Control = {
  without: 'the grant at a majority’s word: all nodes have to be heard',
  edits: [
    {
      file: 'server/src/store/redlock/coordinator/quorum.ts',
      original: "if (ok >= quorum(n)) return 'won';",
      replacement: "if (ok >= quorum(n) && ok + against === n) return 'won';",
    },
  ],
  breaks: /^L6: half of the grants took/,
};

interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function timesOf(tookMs: readonly number[]): Times {
  const sorted = [...tookMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function inWords({ p50Ms, p99Ms }: Times): string {
  return `${p50Ms.toFixed(1)} and ${p99Ms.toFixed(1)} ms`;
}

/** How long it takes to be granted one lease after another, each of a name of its own. */
async function grantTimes(stage: Stage, client: Participant, phase: string): Promise<Times> {
  const tookMs: number[] = [];
  for (let round = ROUNDS[stage.control === undefined ? 'run' : 'control']; round > 0; round -= 1) {
    const startMs = performance.now();
    await client.acquire(`${phase}-${round}`, LASTING_TTL_MS, PATIENCE_MS);
    tookMs.push(performance.now() - startMs);
    await client.release(`${phase}-${round}`);
  }
  return timesOf(tookMs);
}

/** Runs a script without an end on a node; what it gives back ends that. */
async function busy({ client }: RedisServer): Promise<() => Promise<void>> {
  await client.config('SET', 'busy-reply-threshold', '50');
  const other = client.duplicate({ retryStrategy: () => null });
  other.on('error', () => undefined);
  const script = other.eval('while true do end', 0).catch(() => undefined);
  await eventually(PATIENCE_MS, 'a node that is busy', async () => {
    const answer = await client.ping().catch((error: unknown) => String(error));
    return /BUSY/.test(answer) ? true : undefined;
  });
  return async () => {
    await eventually(PATIENCE_MS, 'the end of the script', async () =>
      (await client.script('KILL').catch(() => undefined)) === 'OK' ? true : undefined,
    );
    await script;
    other.disconnect();
  };
}

function sleeping(cell: Cell, nodes: readonly number[]): Promise<unknown> {
  return Promise.all(nodes.map((node) => cell.redis(node).client.call('DEBUG', 'SLEEP', String(SLEEP_S))));
}

export const C16: PlayedRow = {
  id: 'C16',
  title: `two nodes are ${FAR_MS} ms away, then asleep, then one of them busy with a script without an end; then three are asleep`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: ALL_ANSWER,
  play: async (stage) => {
    const redis = { directives: [['enable-debug-command', 'yes']] };
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 1, maxTtlMs: LASTING_TTL_MS, redis });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    const well = await grantTimes(stage, client, 'well');
    const atMajoritySpeed = ({ p50Ms, p99Ms }: Times, how: string): void => {
      const half = `half of the grants took more than ${p50Ms.toFixed(0)} ms with two nodes ${how}`;
      stage.check('L6', half, p50Ms < Math.max(FAR_MS / 2, 2 * well.p50Ms));
      stage.check(
        'L6',
        `one in a hundred took ${p99Ms.toFixed(0)} ms with two nodes ${how}`,
        p99Ms < well.p99Ms + FAR_MS,
      );
    };
    for (const node of SLOW) cell.way(1, node).treat('down', { kind: 'delay', ms: FAR_MS });
    const far = await grantTimes(stage, client, 'far');
    cell.heal();
    atMajoritySpeed(far, 'far away');
    if (stage.control !== undefined) return measured;
    const sleep = sleeping(cell, SLOW);
    const asleep = await grantTimes(stage, client, 'asleep');
    atMajoritySpeed(asleep, 'asleep');
    await sleep;
    const ends = await busy(cell.redis(4));
    const beside = await grantTimes(stage, client, 'beside');
    await ends();
    atMajoritySpeed(beside, 'at work for others');
    await heldEverywhere(cell, 'ended');
    await client.release('ended');
    const three = sleeping(cell, [1, 2, 3]);
    const refusedMs = await refusal(stage, client, 'three', /\b3 of 5 nodes .*(timed out after|not answered)/);
    await three;
    await client.acquire(R, LASTING_TTL_MS, PATIENCE_MS);
    await client.release(R);
    const names = ['far', 'asleep', 'beside'].flatMap((phase) => [1, ROUNDS.run].map((round) => `${phase}-${round}`));
    await stage.noLocksLeft([R, 'ended', ...names], LASTING_TTL_MS / 3, LASTING_TTL_MS);
    return (figures) =>
      `p50 and p99 ${inWords(well)}; two far ${inWords(far)}, asleep ${inWords(asleep)}, busy ${inWords(beside)}; three asleep: ` +
      `answered within ${seconds(refusedMs)}; ${measured(figures)}, 0 keys left`;
  },
};

const KILLS = 3;
const SHORT_PAUSE_MS = 1_000;
/** Much longer than anybody may wait who has not said so. */
const PAUSE_MS = SLACK_MS + 6_000;
const NO_NODE_DEADLINE: Control = {
  without: 'the deadline of a node',
  edits: [
    {
      file: 'server/src/store/redlock/open-redlock-store.ts',
      original: '    nodeDeadlineMs,\n    maxTtlMs:',
      replacement: '    nodeDeadlineMs: 3_600_000,\n    maxTtlMs:',
    },
    {
      file: 'server/src/store/redlock/coordinator/dispatcher.ts',
      original: 'deadlineMs = Math.min(deadlineMs, ttlMs / 10);',
      replacement: 'deadlineMs = Math.max(deadlineMs, ttlMs / 10);',
    },
  ],
  breaks: /^I5: answered only after/,
};

export const C19: PlayedRow = {
  id: 'C19',
  title: `CLIENT KILL on all nodes, ${KILLS} times; CLIENT PAUSE of two nodes, then of all; three with maxclients reached`,
  kind: 'played',
  control: NO_NODE_DEADLINE,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LASTING_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    const server = cell.server();
    await Promise.all(cell.clients.map((client) => client.connect(server.address)));
    await holder.acquire(R, LASTING_TTL_MS);
    const logged = server.logs.length;
    let killedMs = 0;
    for (let round = 1; round <= KILLS; round += 1) {
      await Promise.all(
        cell.redises.map(({ client }) => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
      );
      killedMs = Math.max(killedMs, await granted(other, `killed-${round}`));
    }
    await pause(cell, [1, 2], SHORT_PAUSE_MS, 'ALL');
    const twoMs = await granted(other, 'two');
    stage.check(
      'L6',
      `two nodes that pause delayed a grant by ${seconds(twoMs)}`,
      twoMs < 2 * NODE_DEADLINE_MS + SLACK_MS / 4,
    );
    await Promise.all(cell.redises.map(({ client }) => client.call('CLIENT', 'UNPAUSE')));
    await heldEverywhere(cell, 'awake');
    await holder.release('awake');
    // Scripts may write, and wait; what ends the pause does not.
    await pause(cell, ALL, PAUSE_MS, 'WRITE');
    const refusedMs = await refusal(stage, other, 'all', /timed out after|not answered/);
    if (stage.control !== undefined) return measured;
    await Promise.all(cell.redises.map(({ client }) => client.call('CLIENT', 'UNPAUSE')));
    await granted(other, 'all');
    const quarantined = server.logs.slice(logged).filter(({ event }) => event === 'node_quarantined');
    stage.check('C19', `nodes were doubted: ${JSON.stringify(quarantined)}`, quarantined.length === 0);
    stage.check('I11', 'the holder lost its lease', (await holder.release(R)) === 'released');
    const fullMs = await full(stage, cell, other);
    await stage.noLocksLeft([R, 'two', 'all', 'full', 'room'], LASTING_TTL_MS / 3, LASTING_TTL_MS);
    return (figures) =>
      `granted within ${seconds(killedMs)} of a kill, ${seconds(twoMs)} beside two that pause; all paused: answered within ` +
      `${seconds(refusedMs)}; granted ${seconds(fullMs)} after there was room; lease kept; ${measured(figures)}, 0 keys left`;
  },
};

/** Asks until it is refused, since nodes may still be about to fall silent. Answers how long the longest answer took. */
async function refusal(stage: Stage, client: Participant, name: string, words: RegExp): Promise<number> {
  let longestMs = 0;
  let said: string | undefined;
  await eventually(PATIENCE_MS, `a refusal of ${name}`, async () => {
    const startMs = performance.now();
    said = await client.refusal(name, LASTING_TTL_MS);
    longestMs = Math.max(longestMs, performance.now() - startMs);
    if (said === undefined) await client.release(name);
    return said === undefined ? undefined : true;
  });
  stage.check('I10', `the refusal was: ${said}`, words.test(said ?? ''));
  stage.check('I5', `answered only after ${seconds(longestMs)}`, longestMs < 2 * NODE_DEADLINE_MS + SLACK_MS / 4);
  return longestMs;
}

/** How long a lease takes to be granted; it is given back. */
async function granted(client: Participant, name: string): Promise<number> {
  const startMs = performance.now();
  await client.acquire(name, LASTING_TTL_MS, PATIENCE_MS);
  const tookMs = performance.now() - startMs;
  await client.release(name);
  return tookMs;
}

function pause(cell: Cell, nodes: readonly number[], ms: number, what: 'ALL' | 'WRITE'): Promise<unknown> {
  return Promise.all(nodes.map((node) => cell.redis(node).client.call('CLIENT', 'PAUSE', String(ms), what)));
}

/** Three nodes take no more clients than the tests' own. Answers how long a grant takes once they do again. */
async function full(stage: Stage, cell: Cell, client: Participant): Promise<number> {
  const nodes = [1, 2, 3].map((node) => cell.redis(node).client);
  for (const node of nodes) {
    await node.config('SET', 'maxclients', '1');
    await node.call('CLIENT', 'KILL', 'SKIPME', 'yes');
  }
  let words: string | undefined;
  await stage.soon('I10', 'a refusal that says what is wrong', PATIENCE_MS, async () => {
    words = await client.refusal('full', LASTING_TTL_MS);
    if (words === undefined) await client.release('full');
    return /redis-1 has too many clients, redis-2 has too many clients, redis-3 has too many/.test(words ?? '');
  });
  for (const node of nodes) await node.config('SET', 'maxclients', '100');
  return granted(client, 'room');
}
