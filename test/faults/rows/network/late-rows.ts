import { nowUs } from '../../../history/events.js';
import type { Treatment } from '../../../support/tcp-proxy.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { type Stage, TWO_BELIEVE } from '../../harness/stage.js';
import { NO_KEPT_BACK } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { LEAST_SHIFTS, R, reached, rested, SMALL } from '../scenes.js';

/** So long that a node may take almost all of the product's longest node deadline. */
const LATE_TTL_MS = 3_000;
const LATE_ANSWER: Treatment = { kind: 'delay', ms: 200 };
const RANDOM_MS = 5_000;
/** What is sent within so long comes late together. */
const SPELL_US = 50_000;
const ALL = [1, 2, 3, 4, 5];

function shortly(mostMs: number): Treatment {
  return { kind: 'delay', ms: Math.random() * mostMs };
}

/** Some of what a server tells a node comes up to two TTL late, when much that was sent after it has come. Answers how often. */
async function lateAtNode(cell: Cell, server: number, node: number, untilUs: number): Promise<number> {
  const way = cell.way(server, node);
  const arrivals: Promise<void>[] = [];
  while (nowUs() < untilUs) {
    for (const direction of ['up', 'down'] as const) way.treat(direction, shortly(30));
    await reached(nowUs() + (0.5 + Math.random()) * 1_000_000);
    way.treat('up', { kind: 'hold' });
    await reached(nowUs() + SPELL_US);
    if (!way.holdsBack) continue;
    const late = way.strand();
    const arrivesUs = nowUs() + Math.random() * 2 * TTL_MS * 1_000;
    arrivals.push(reached(arrivesUs).then(() => late.deliver()));
  }
  await Promise.all(arrivals);
  way.heal();
  return arrivals.length;
}

/** The same between clients and a server, where what follows has to wait for it, or for another connection. */
async function lateAtDoor(cell: Cell, server: number, untilUs: number): Promise<number> {
  const door = cell.door(server);
  let spells = 0;
  for (; nowUs() < untilUs; spells += 1) {
    for (const direction of ['up', 'down'] as const) door.treat(direction, shortly(30));
    await reached(nowUs() + (1 + Math.random()) * 1_000_000);
    door.treat(spells % 2 === 0 ? 'up' : 'down', shortly(2 * TTL_MS));
    await reached(nowUs() + SPELL_US);
  }
  door.heal();
  return spells;
}

/** The nodes take their time to answer, and the grant is the last that its holder hears in time. */
async function lateAnswers(stage: Stage, cell: Cell): Promise<number> {
  const [holder, other] = [cell.client(1), cell.client(3)];
  for (const node of ALL) cell.way(1, node).treat('down', LATE_ANSWER);
  await holder.acquire(R, LATE_TTL_MS, PATIENCE_MS);
  for (const server of [1, 2]) {
    for (const direction of ['up', 'down'] as const) {
      cell.door(server).treat(direction, { kind: 'delay', ms: 2 * LATE_TTL_MS });
    }
  }
  const { atUs } = await other.acquire(R, LATE_TTL_MS, 2 * PATIENCE_MS);
  stage.check('I4', 'the holder may write when another has it', !(await holder.mayWrite(R)));
  const lostMs = stage.control === undefined ? (atUs - (await holder.lost())) / 1_000 : 0;
  await other.release(R);
  cell.heal();
  return lostMs;
}

export const D7: PlayedRow = {
  id: 'D7',
  title: 'messages on every link come up to two TTL late, no two alike, and after what was sent later',
  kind: 'played',
  control: {
    without:
      'counting a lease from the call of its nodes, in the store and in the server, and what a client keeps back',
    edits: [...guard('deadline-in-both-layers'), ...NO_KEPT_BACK],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, clients: 3, maxTtlMs: LATE_TTL_MS });
    const [first, second] = cell.doors as [string, string];
    await Promise.all([
      cell.client(1).connect(first, second),
      cell.client(2).connect(second, first),
      cell.client(3).connect(cell.server(2).address),
    ]);
    const lostMs = await lateAnswers(stage, cell);
    // The protection it is about is the same in what follows.
    if (stage.control !== undefined) return measured;
    for (const client of cell.clients) client.work([R], TTL_MS, 2, cell.resource.address);
    const untilUs = nowUs() + RANDOM_MS * 1_000;
    const late = await Promise.all([
      ...[1, 2].flatMap((server) => ALL.map((node) => lateAtNode(cell, server, node, untilUs))),
      ...[1, 2].map((server) => lateAtDoor(cell, server, untilUs)),
    ]);
    const { shifts, failures } = await rested(stage, cell);
    // Whoever is a spell behind for most of the time has few of them.
    const all = shifts.reduce((sum, each) => sum + each);
    const isEnough = Math.min(...shifts) > 0 && all > shifts.length * LEAST_SHIFTS;
    stage.check('I11', `leases held to their ends: ${shifts}`, isEnough);
    const spells = late.reduce((sum, each) => sum + each);
    return (figures) =>
      `let go ${seconds(lostMs)} before the next grant; ${spells} spells, ${shifts.join(' and ')} leases, ${failures} failures; ` +
      measured(figures);
  },
};
