import { eventually } from '../../../support/deadline.js';
import { lockKey } from '../../../support/redlock/fault-rig.js';
import type { Direction } from '../../../support/tcp-proxy.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import type { Stage } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { SMALL, underLoad } from '../scenes.js';

/** The first server reaches this one and two others, so that its vote decides; the second one reaches all but this. */
const DECIDING = 3;
/** What is held back on its way there, or on its way back. */
const PHASES: readonly (readonly [phase: string, direction: Direction])[] = [
  ['before', 'up'],
  ['after', 'down'],
];
const NODES = [1, 2, 3, 4, 5];
const ROUNDS = 2;
/** That the others have gone on. */
const GRANTS_MEANWHILE = 3;

async function grants(cell: Cell): Promise<number> {
  const texts = await Promise.all([cell.metrics(1), cell.metrics(2)]);
  const counts = texts.map((text) => /^holdfast_acquires_total\{outcome="granted"\} (\d+)$/m.exec(text)?.[1]);
  return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
}

/** One node after another stands still, wherever it is in its work, until the others have granted something. */
async function eachStandsStill(stage: Stage, cell: Cell): Promise<void> {
  for (const number of Array.from({ length: ROUNDS }, () => NODES).flat()) {
    cell.redis(number).pause();
    const enough = (await grants(cell)) + GRANTS_MEANWHILE;
    await stage.soon('I11', `grants without node ${number}`, PATIENCE_MS, async () => (await grants(cell)) >= enough);
    cell.redis(number).resume();
  }
}

/** The nodes that have voted for somebody's bid, whatever has become of it: a ballot stays. */
async function votedFor(cell: Cell, name: string, nodes: readonly number[]): Promise<void> {
  const ballot = `${lockKey(name)}\0b`;
  await eventually(PATIENCE_MS, `votes of nodes ${nodes} for ${name}`, async () => {
    const there = await Promise.all(nodes.map((number) => cell.redis(number).client.exists(ballot)));
    return there.every((count) => count === 1) || undefined;
  });
}

/** A bid is on its way to a node that stands still, or its vote on the way back; it goes on when another has the lease. */
async function votesLate(stage: Stage, cell: Cell, phase: string, direction: Direction): Promise<number> {
  const [late, other] = [cell.client(1), cell.client(2)];
  const node = cell.redis(DECIDING);
  const way = cell.way(1, DECIDING);
  await stage.soon(
    'I11',
    `a lease of nodes 1 to 3 ${phase}`,
    PATIENCE_MS,
    async () => (await late.refusal(`free ${phase}`, TTL_MS)) === undefined,
  );
  const name = `stopped ${phase} its vote`;
  way.treat(direction, { kind: 'hold' });
  const refused = late.refusal(name, TTL_MS);
  await votedFor(cell, name, phase === 'before' ? [1, 2] : [1, 2, DECIDING]);
  node.pause();
  // Before: it has the bid now, and does not look at it.
  if (phase === 'before') way.heal();
  const startMs = performance.now();
  const { token } = await other.acquire(name, TTL_MS, PATIENCE_MS);
  const tookMs = performance.now() - startMs;
  node.resume();
  way.heal();
  const words = await refused;
  stage.check('S1', `a late vote made a grant when ${token} had been granted`, words !== undefined);
  stage.check('I3', 'the other lost its lease', await other.mayWrite(name));
  await other.release(name);
  return tookMs;
}

const C4: PlayedRow = {
  id: 'C4',
  title: 'nodes stand still before they have voted, or before anybody hears of it, while two servers contend',
  kind: 'played',
  control: {
    without:
      'the deadline for votes, the nodes’ window, and counting from the call: by the coordinator, the server and its client',
    edits: [
      {
        file: 'server/src/store/redlock/coordinator/round.ts',
        original: 'deadline = clock.after(deadlineMs, () => {',
        replacement: 'deadline = clock.after(1_000 * deadlineMs, () => {',
      },
      ...guard('window-script'),
      ...guard('deadline-from-call'),
      ...guard('core-deadline-from-call'),
      ...guard('client-grant-anchor'),
    ],
    breaks: /^S2\/I1 at .* came after/,
  },
  play: async (stage) => {
    const cell = await stage.cell(SMALL);
    const { shifts } = await underLoad(stage, cell, () => eachStandsStill(stage, cell));
    cell.cut(1, 4, 5);
    cell.cut(2, DECIDING);
    const tookMs: number[] = [];
    for (const [phase, direction] of PHASES) tookMs.push(await votesLate(stage, cell, phase, direction));
    const [before, after] = tookMs.map(seconds);
    return (figures) =>
      `${shifts.join(' and ')} leases; stopped before and after the vote that decides: the other’s grant within ${before} and ${after}; ${measured(figures)}`;
  },
};

export const PHASE_ROWS = { C4 };
