import { nowUs } from '../../support/client-process.js';
import { eventually } from '../../support/deadline.js';
import { type Cell, FREE_AGAIN_MS, MAX_TTL_MS, PATIENCE_MS, type Plan, SLACK_MS, TTL_MS } from '../harness/cell.js';
import type { Control, Stage } from '../harness/stage.js';
import { measured, type PlayedRow, seconds } from './row.js';

export const SMALL: Plan = { nodes: 5, servers: 2, clients: 2 };
export const R = 'r';

/** A client that believes what it was told last, whatever its clock says. */
export const NO_OWN_CLOCK: Control = {
  without: 'the look at its own clock',
  edits: [
    {
      file: 'client/src/session/leases.ts',
      original: "    this.#lose(lease, 'deadline');\n    return 0;",
      replacement: '    return lease.ttlMs / 2;',
    },
  ],
  unfenced: true,
};

export const NO_FENCE: Control = { without: 'the token check of the resource', edits: [], unfenced: true };

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

/** The holder is gone, in whatever way, with a write of it still on its way. */
async function holderGone(stage: Stage, end: (cell: Cell) => Promise<void>) {
  const { cell, holder, waiter, granted } = await heldAndWaited(stage);
  const link = await cell.wayToResource();
  link.treat('up', { kind: 'hold' });
  await holder.write(R, { host: '127.0.0.1', port: Number(link.address.split(':')[1]) }, 'late');
  await eventually(PATIENCE_MS, 'the write on its way', () => link.holdsBack || undefined);
  const onItsWay = link.strand();
  const goneUs = nowUs();
  await end(cell);
  const next = await granted;
  const freeMs = (next.atUs - goneUs) / 1_000;
  stage.check('L3', `free only after ${seconds(freeMs)}`, freeMs <= FREE_AGAIN_MS + SLACK_MS);
  await waiter.write(R, cell.resource.address, 'next');
  await cell.resource.entry('next');
  await onItsWay.deliver();
  const late = await cell.resource.entry('late');
  stage.check(
    'I2',
    'the write of a holder that is gone was taken after that of the next',
    late.kind === 'write_refused',
  );
  await waiter.release(R);
  await stage.noLocksLeft([R], SLACK_MS);
  stage.check('I7', 'somebody still waits', (await cell.metric('holdfast_waiters')) === 0);
  return { freeMs };
}

const A1: PlayedRow = {
  id: 'A1',
  title: 'the holder is killed, with a write on its way',
  kind: 'played',
  control: NO_FENCE,
  play: async (stage) => {
    const { freeMs } = await holderGone(stage, (cell) => cell.client(1).kill());
    return (figures) => `free again after ${seconds(freeMs)}, ${measured(figures)}, 0 keys left`;
  },
};

const A2: PlayedRow = {
  id: 'A2',
  title: 'the holder stands still for longer than its lease, then goes on and writes',
  kind: 'played',
  control: NO_OWN_CLOCK,
  play: async (stage) => {
    const { cell, holder, waiter, granted } = await heldAndWaited(stage);
    // What the server says of the loss comes later than the process goes on: it has its own clock, and nothing else.
    for (const number of [1, 2]) cell.door(number).treat('down', { kind: 'hold' });
    holder.stop();
    await granted;
    await waiter.write(R, cell.resource.address, 'next');
    await cell.resource.entry('next');
    holder.continue();
    const late = await holder.write(R, cell.resource.address, 'late');
    stage.check('I3', 'it believed that it might write', !late.mayWrite);
    if (late.mayWrite) await cell.resource.entry('late');
    cell.heal();
    // Its beats go on: none of them may bring the lease back, or disturb the other.
    await holder.refusal('other', TTL_MS, 0);
    stage.check('S4', 'it may write again', !(await holder.mayWrite(R)));
    stage.check('I3', 'the other lost its lease', await waiter.mayWrite(R));
    await waiter.release(R);
    return measured;
  },
};

const A5: PlayedRow = {
  id: 'A5',
  title: 'the event loop stands still for 1.5 TTL, then the holder writes without having yielded',
  kind: 'played',
  control: { without: 'assertHeld, by the signal alone', edits: [], unfenced: true },
  play: async (stage) => {
    const { cell, holder, waiter, granted } = await heldAndWaited(stage, SMALL, MAX_TTL_MS);
    const by = stage.control === undefined ? 'assertHeld' : 'signal';
    const late = holder.write(R, cell.resource.address, 'late', { by, stallMs: 1.5 * MAX_TTL_MS });
    await granted;
    await waiter.write(R, cell.resource.address, 'next');
    await cell.resource.entry('next');
    const { mayWrite } = await late;
    stage.check('I3', 'it believed that it might write', !mayWrite);
    if (mayWrite) await cell.resource.entry('late');
    await waiter.release(R);
    return measured;
  },
};

export const CLIENT_ROWS = [A1, A2, A5];
