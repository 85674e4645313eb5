import { nowUs } from '../../history/events.js';
import { eventually } from '../../support/deadline.js';
import type { Treatment } from '../../support/tcp-proxy.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../harness/cell.js';
import type { Wrote } from '../harness/participant.js';
import type { Plan } from '../harness/plan.js';
import type { Stage } from '../harness/stage.js';
import { WallClock } from '../harness/wall-clock.js';

/** What most rows are played with. */
export const SMALL: Plan = { nodes: 5, servers: 2, clients: 2 };

/** What is held, and wanted by others. */
export const R = 'r';

/** So long that what a loaded machine adds is little, and that nothing is gone by itself while it is looked for. */
export const LASTING_TTL_MS = 10_000;

/** Outlasts what is done to a node, on a loaded machine. */
export const LONG_TTL_MS = 5_000;

/** With less than so many leases each, clients at work have shown nothing. */
export const LEAST_SHIFTS = 5;

/** A cell in which client 1 holds and client 2 waits, both at all servers. */
export async function heldAndWaited(stage: Stage, plan: Plan = SMALL, ttlMs = TTL_MS) {
  const cell = await stage.cell(plan);
  const [holder, waiter] = [cell.client(1), cell.client(2)];
  // Only the holder's links can be disturbed.
  await Promise.all([holder.connect(...cell.doors), waiter.connect(...cell.servers.map(({ address }) => address))]);
  const first = await holder.acquire(R, ttlMs);
  const granted = waiter.acquire(R, ttlMs, 3 * PATIENCE_MS);
  // Whoever waits for it hears of a failure, too.
  granted.catch(() => undefined);
  await cell.waiting(1);
  return { cell, holder, waiter, first, granted };
}

/** `late`: what somebody whose time is over came to, who wanted to write. Answers whether it would have. */
export async function mustNotWrite(stage: Stage, cell: Cell, late: Promise<Wrote>): Promise<boolean> {
  const { mayWrite } = await late;
  stage.check('I3', 'it believed that it might write', !mayWrite);
  if (mayWrite) await cell.resource.entry('late');
  return mayWrite;
}

/** All clients of a cell at work on few names, each at a server of its own, until `disturb` is done. */
export async function underLoad(stage: Stage, cell: Cell, disturb: () => Promise<void>, holdMs = 2) {
  const servers = cell.servers.length;
  await Promise.all(cell.clients.map((client, index) => client.connect(cell.server((index % servers) + 1).address)));
  for (const client of cell.clients) client.work([R], TTL_MS, holdMs, cell.resource.address);
  await disturb();
  const { shifts, failures } = await rested(stage, cell);
  // Without a guard they may well be at odds for ever.
  const isEnough = stage.control !== undefined || Math.min(...shifts) > LEAST_SHIFTS;
  stage.check('I11', `leases held to their ends: ${shifts}`, isEnough);
  return { shifts, failures };
}

/** Ends the work of all clients, and says what came of it: how many leases each held to their ends, how many others failed. */
export async function rested(stage: Stage, cell: Cell) {
  const worked = await Promise.all(cell.clients.map((client) => client.rest()));
  const failures = worked.flatMap((each) => each.failures);
  for (const failure of failures)
    stage.check('I10', failure, /^(Unavailable|WaitTimeout|LeaseLost)Error\b/.test(failure));
  return { shifts: worked.map(({ shifts }) => shifts.length), failures: failures.length };
}

const FAR: Treatment = { kind: 'delay', ms: 20 };

/** The first server is close to nodes 1 and 2, the second to 4 and 5: what one node has taken the other server learns late. */
export function towardsTheirOwn(cell: Cell): void {
  for (const [server, nodes] of [
    [1, [4, 5]],
    [2, [1, 2]],
  ] as const) {
    for (const node of nodes) cell.way(server, node).treat('up', FAR);
  }
}

/** Tries until it is granted. */
export async function granted(cell: Cell, client: number, name: string, withinMs: number): Promise<void> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const words = await cell.client(client).refusal(name, TTL_MS, PATIENCE_MS);
    if (words === undefined) return;
    if (performance.now() > endMs) throw new Error(`${name} is refused: ${words}`);
    await reached(nowUs() + 100_000);
  }
}

/** Takes a lease again and again until it stands on every node: then none is left alone any more for having been silent. */
export async function heldEverywhere(cell: Cell, name: string): Promise<void> {
  const client = cell.client(1);
  await eventually(PATIENCE_MS, `${name} at all nodes`, async () => {
    await client.acquire(name, LASTING_TTL_MS, PATIENCE_MS);
    if ((await cell.locks(name)).every((value) => value !== null)) return true;
    await client.release(name);
    return undefined;
  });
}

/** A lease on nodes 1, 2 and 3 alone; then something befalls node 3, and a server asks that reaches 3, 4 and 5. */
export async function heldByThree(stage: Stage, more: Partial<Plan>, befalls: (cell: Cell) => Promise<unknown>) {
  const apart = (server: number): readonly number[] => (server === 1 ? [4, 5] : [1, 2]);
  const cell = await stage.cell({ nodes: 5, servers: 2, clients: 2, maxTtlMs: LONG_TTL_MS, apart, ...more });
  const [holder, other] = [cell.client(1), cell.client(2)];
  await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
  await holder.acquire(R, LONG_TTL_MS, PATIENCE_MS);
  const on = (await cell.locks(R)).map((value) => value !== null);
  if (String(on) !== 'true,true,true,false,false') throw new Error(`the lease stands on ${on}`);
  const befellUs = nowUs();
  await befalls(cell);
  const next = await other.acquire(R, LONG_TTL_MS, 2 * cell.quarantineMs + 2 * PATIENCE_MS);
  const afterMs = (next.atUs - befellUs) / 1_000;
  await other.release(R);
  return { cell, befellUs, afterMs };
}

/** A clock for each of these processes, by its number. */
export function clocks(stage: Stage, ...numbers: readonly number[]) {
  const all = new Map(numbers.map((number) => [number, new WallClock(stage.folder, `clock-${number}`)]));
  return {
    envOf: (number: number): Readonly<Record<string, string>> => all.get(number)?.env ?? {},
    shiftBy: (ms: number): void => {
      for (const clock of all.values()) clock.shiftBy(ms);
    },
    gain: (share: number): void => {
      for (const clock of all.values()) clock.gain(share);
    },
  };
}

/** Resolves at a moment of the machine's clock. */
export async function reached(atUs: number): Promise<void> {
  await eventually(6 * PATIENCE_MS, 'a moment to come', () => (nowUs() >= atUs ? true : undefined));
}
