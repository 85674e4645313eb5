import { eventually } from '../../../support/deadline.js';
import { runHoldfast } from '../../../support/holdfast-command.js';
import type { LogLine, ServerProcess } from '../../../support/server-process.js';
import { type Cell, PATIENCE_MS, TTL_MS, WINDOW_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { TWO_BELIEVE } from '../../harness/stage.js';
import { NO_KEPT_BACK } from '../controls.js';
import { measured, type PlayedRow, type Row, seconds } from '../row.js';
import { clocks, LONG_TTL_MS, R, SMALL } from '../scenes.js';

const HOUR_MS = 3_600_000;
const DRIFTING_TTL_MS = 5_000;
/** So long that the part of it by which two believe is more than a loaded machine adds. */
const LOST_TTL_MS = 12_000;

/** Resolves with what a server logs from now on. */
function nextLine(server: ServerProcess, what: string, fits: (line: LogLine) => boolean): Promise<LogLine> {
  const before = server.logs.length;
  return eventually(PATIENCE_MS, what, () => server.logs.slice(before).find(fits));
}

const E4: PlayedRow = {
  id: 'E4',
  title:
    'the clocks of three nodes are 0.5 % fast and those of two 0.5 % slow; its holder is cut off, and another asks: with 5 % two may believe, which is documented',
  kind: 'played',
  control: {
    without:
      'the bound on clock rates, of which they are 5 % off, the look for clocks that move, and what a client keeps back',
    edits: [
      {
        file: 'server/src/store/redlock/coordinator/clock-watch.ts',
        original: 'const FAULT_MS = 100;',
        replacement: 'const FAULT_MS = 1e9;',
      },
      ...NO_KEPT_BACK,
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const [share, ttlMs] = stage.control === undefined ? [0.005, DRIFTING_TTL_MS] : [0.05, LOST_TTL_MS];
    const [fast, slow] = [clocks(stage, 1, 2, 3), clocks(stage, 4, 5)];
    const redisEnv = (number: number) => (number <= 3 ? fast : slow).envOf(number);
    const cell = await stage.cell({ ...SMALL, maxTtlMs: ttlMs, redisEnv });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.door(1).address), other.connect(cell.server(2).address)]);
    fast.gain(share);
    slow.gain(-share);
    const { atUs } = await holder.acquire(R, ttlMs, PATIENCE_MS);
    // From here on nothing prolongs it: neither beats nor what answers them.
    for (const direction of ['up', 'down'] as const) cell.door(1).treat(direction, { kind: 'swallow' });
    const next = await other.acquire(R, ttlMs, ttlMs + PATIENCE_MS);
    const afterMs = (next.atUs - atUs) / 1_000;
    await other.release(R);
    return (figures) => `next grant after ${seconds(afterMs)} (TTL ${ttlMs / 1_000} s); ${measured(figures)}`;
  },
};

/** The greatest moment that a node has taken a token at, in milliseconds. */
async function seenMs(cell: Cell, node: number): Promise<number> {
  return Number(await cell.redis(node).client.get('holdfast\0default\0now')) / 1_000;
}

/** An hour is more than an admission lasts: the three wait, and are admitted as they are now. */
async function goesByTheThree(cell: Cell): Promise<void> {
  const others = /^holdfast_node_clock_offset_seconds\{node="redis-[45]"\} -3\d{3}\b/gm;
  const three = /^holdfast_node_state\{node="redis-[123]",state="admitted"\} 1$/gm;
  await eventually(cell.quarantineMs + PATIENCE_MS, 'a server that goes by three nodes an hour ahead', async () => {
    const text = await cell.metrics();
    return text.match(others)?.length === 2 && text.match(three)?.length === 3 ? true : undefined;
  });
}

/**
 * Nodes 1, 2 and 3 are an hour ahead, and the servers go by them; 1 and 2 are silent when somebody asks: node 3 has taken a
 * token of an hour ahead then, and no other has, and nobody got a lease.
 */
async function nodeThreeTakesOne(cell: Cell): Promise<void> {
  for (const node of [1, 2]) cell.way(1, node).treat('up', { kind: 'swallow' });
  await eventually(PATIENCE_MS, 'a token an hour ahead at node 3', async () => {
    const words = await cell.client(1).refusal('ahead', TTL_MS);
    if (words === undefined) throw new Error('what three of five nodes must take was granted by one');
    return (await seenMs(cell, 3)) > Date.now() + HOUR_MS / 2 ? true : undefined;
  });
}

/** Takes and gives back something at the second server. True where node 3 has voted for it. */
async function takenByThree(cell: Cell): Promise<boolean> {
  await cell.client(2).acquire('asked', TTL_MS, PATIENCE_MS);
  const [, , taken] = await cell.locks('asked');
  await cell.client(2).release('asked');
  return taken !== null;
}

/** Asks until node 3 has said that a token is behind its time, or has taken one. True for the latter. */
async function asked(cell: Cell, withinMs: number): Promise<boolean> {
  const refused = 'holdfast_votes_refused_total\\{vote="behind"\\}';
  return eventually(withinMs, 'a vote of node 3', async () => {
    if (await takenByThree(cell)) return true;
    return (await cell.metric(refused, 2)) > 0 ? false : undefined;
  });
}

const E7: PlayedRow = {
  id: 'E7',
  title:
    'a node has taken a token when its clock was an hour ahead, and is right again: it refuses for an hour, or until it is reset',
  kind: 'played',
  control: {
    without: 'the highest time a node has seen',
    edits: guard('node-time-script'),
    breaks: /^E7: the node took a token from before/,
  },
  play: async (stage) => {
    const clock = clocks(stage, 1, 2, 3);
    const cell = await stage.cell({ ...SMALL, redisEnv: clock.envOf });
    const [early, late] = [cell.client(1), cell.client(2)];
    await Promise.all([early.connect(cell.server(1).address), late.connect(cell.server(2).address)]);
    clock.shiftBy(HOUR_MS);
    await goesByTheThree(cell);
    await nodeThreeTakesOne(cell);
    clock.shiftBy(0);
    cell.heal();
    const tookIt = await asked(cell, 2 * cell.quarantineMs + PATIENCE_MS);
    stage.check('E7', 'the node took a token from before what it had taken', !tookIt);
    const startMs = performance.now();
    const reset = await runHoldfast(['admin', 'node', 'reset', 'redis-3', '--yes'], { server: cell.server(1).address });
    stage.check('E7', `the reset said ${reset.stdout}${reset.stderr}`, reset.code === 0);
    await cell.admitted(3, cell.quarantineMs + PATIENCE_MS);
    const admittedMs = performance.now() - startMs;
    stage.check('E7', `admitted after ${seconds(admittedMs)}`, admittedMs >= cell.quarantineMs);
    await eventually(PATIENCE_MS, 'a token taken by node 3', async () => (await takenByThree(cell)) || undefined);
    return (figures) => `refused; reset, it votes again after ${seconds(admittedMs)}; ${measured(figures)}`;
  },
};

const E8: PlayedRow = {
  id: 'E8',
  title:
    'the only node that two majorities share is wiped, and the clocks of the second one are set back by q − 2w: by more, tokens go back, which is documented',
  kind: 'played',
  control: {
    without: 'the bound on clocks set back: they are set back by more than q',
    edits: [],
    breaks: /^S2\/I1 at .* came after/,
  },
  play: async (stage) => {
    const clock = clocks(stage, 3, 4, 5);
    const apart = (server: number): readonly number[] => (server === 1 ? [4, 5] : []);
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LONG_TTL_MS, apart, redisEnv: clock.envOf });
    const [first, other] = [cell.client(1), cell.client(2)];
    await Promise.all([first.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    const { token } = await first.acquire(R, LONG_TTL_MS, PATIENCE_MS);
    await first.release(R);
    const withinMs = cell.quarantineMs - 2 * WINDOW_MS;
    const byMs = stage.control === undefined ? withinMs : cell.quarantineMs + PATIENCE_MS;
    const alarms = ['redis-4', 'redis-5'].map((node) =>
      nextLine(
        cell.server(2),
        `an alarm for ${node}`,
        (line) => line.event === 'clock_shifted' && line['node'] === node,
      ),
    );
    await cell.redis(3).restart({ empty: true });
    clock.shiftBy(-byMs);
    await Promise.all(alarms);
    // From here on the second server has nobody who remembers.
    cell.cut(2, 1, 2);
    const next = await other.acquire(R, LONG_TTL_MS, 2 * cell.quarantineMs + PATIENCE_MS);
    const aheadMs = (Number(next.token) - Number(token)) / 1_000;
    await other.release(R);
    return (figures) =>
      `set back by ${seconds(withinMs)}: the next token is ${seconds(aheadMs)} greater; the server told of both clocks; ${measured(figures)}`;
  },
};

export const WRONG_CLOCK_ROWS = { E4, E7, E8 } satisfies Readonly<Record<string, Row>>;
