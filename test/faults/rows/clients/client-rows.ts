import { nowUs } from '../../../support/client-process.js';
import { eventually } from '../../../support/deadline.js';
import { listed } from '../../../support/listed.js';
import { type Cell, freeAgainMs, MAX_TTL_MS, PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import type { Granted, Participant } from '../../harness/participant.js';
import { OLD_WRITE, type Stage, TWO_BELIEVE } from '../../harness/stage.js';
import { NO_FENCE, NO_OWN_CLOCK } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { heldAndWaited, LASTING_TTL_MS, mustNotWrite, R, reached, SMALL } from '../scenes.js';

/** Resolves when the next holder has written. */
async function nextWrites(cell: Cell, next: Participant, granted: Promise<Granted>): Promise<void> {
  await granted;
  await next.write(R, cell.resource.address, 'next');
  await cell.resource.entry('next');
}

/** The holder is gone, in whatever way, with a write of it still on its way. */
async function holderGone(stage: Stage, end: (cell: Cell) => Promise<void>) {
  const plan = { ...SMALL, maxTtlMs: LASTING_TTL_MS };
  const { cell, holder, waiter, granted } = await heldAndWaited(stage, plan, LASTING_TTL_MS);
  const link = await cell.wayToResource();
  link.treat('up', { kind: 'hold' });
  await holder.write(R, { host: '127.0.0.1', port: Number(link.address.split(':')[1]) }, 'late');
  await eventually(PATIENCE_MS, 'the write on its way', () => link.holdsBack || undefined);
  const onItsWay = link.strand();
  const goneUs = nowUs();
  await end(cell);
  const next = await granted;
  const freeMs = (next.atUs - goneUs) / 1_000;
  const isInTime = freeMs <= freeAgainMs(LASTING_TTL_MS) + SLACK_MS;
  stage.check('L3', `free only after ${seconds(freeMs)}`, isInTime);
  await nextWrites(cell, waiter, granted);
  await onItsWay.deliver();
  const late = await cell.resource.entry('late');
  stage.check(
    'I2',
    'the write of a holder that is gone was taken after that of the next',
    late.kind === 'write_refused',
  );
  await waiter.release(R);
  await stage.noLocksLeft([R], SLACK_MS, LASTING_TTL_MS);
  stage.check('I7', 'somebody still waits', (await cell.metric('holdfast_waiters')) === 0);
  return { freeMs };
}

function endOfHolder(id: string, title: string, end: (holder: Participant) => Promise<void>): PlayedRow {
  return {
    id,
    title,
    kind: 'played',
    control: NO_FENCE,
    play: async (stage) => {
      const { freeMs } = await holderGone(stage, (cell) => end(cell.client(1)));
      const free = `free again after ${seconds(freeMs)} (TTL ${LASTING_TTL_MS / 1_000} s)`;
      return (figures) => `${free}, ${measured(figures)}, 0 keys left`;
    },
  };
}

const A1 = endOfHolder('A1', 'the holder is killed, with a write on its way', (holder) => holder.kill());

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
    await nextWrites(cell, waiter, granted);
    holder.continue();
    await mustNotWrite(stage, cell, holder.write(R, cell.resource.address, 'late'));
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
  control: { without: 'assertHeld, by the signal alone', edits: [], breaks: OLD_WRITE, unfenced: true },
  play: async (stage) => {
    const { cell, holder, waiter, granted } = await heldAndWaited(stage, SMALL, MAX_TTL_MS);
    const by = stage.control === undefined ? 'assertHeld' : 'signal';
    const late = holder.write(R, cell.resource.address, 'late', { by, stallMs: 1.5 * MAX_TTL_MS });
    await nextWrites(cell, waiter, granted);
    await mustNotWrite(stage, cell, late);
    await waiter.release(R);
    return measured;
  },
};

const A3: PlayedRow = {
  id: 'A3',
  title: 'a grant arrives while its client stands still, and is read when its time is over',
  kind: 'played',
  control: {
    without: 'counting from when the anchor was sent',
    edits: [
      {
        file: 'client/src/session/leases.ts',
        original: 'return anchor === undefined ? undefined : new Deadline(anchor, validity.durationMs);',
        replacement:
          'const { clock } = this.ctx; return new Deadline({ monotonicMs: clock.nowMs(), wallMs: clock.wallMs() }, validity.durationMs);',
      },
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1 });
    const [late, other] = [cell.client(1), cell.client(2)];
    const door = cell.door();
    await Promise.all([late.connect(door.address), other.connect(cell.server().address)]);
    door.treat('down', { kind: 'hold' });
    const granted = late.acquire(R, TTL_MS, 3 * PATIENCE_MS);
    await eventually(PATIENCE_MS, 'the grant on its way', async () =>
      (await listed(cell.server().address)).some(({ sessionState }) => sessionState === 1) ? true : undefined,
    );
    late.stop();
    door.treat('down', { kind: 'pass' });
    door.treat('down', { kind: 'hold' });
    await other.acquire(R, TTL_MS, PATIENCE_MS);
    late.continue();
    await late.answersOrders();
    const believed = late.has('granted');
    stage.check('I3', 'a grant that was dead on arrival was relied on', !believed);
    cell.heal();
    await other.release(R);
    if (!believed) await granted;
    await late.release(R);
    return measured;
  },
};

const A4: PlayedRow = {
  id: 'A4',
  title: 'the holder stands still between its grant and its first write, for 0.9 and 1.1 TTL',
  kind: 'played',
  control: NO_OWN_CLOCK,
  play: async (stage) => {
    const cell = await stage.cell(SMALL);
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(...cell.doors), other.connect(cell.server(2).address)]);
    for (const [name, share] of [
      ['short', 0.9],
      ['long', 1.1],
    ] as const) {
      const { atUs } = await holder.acquire(name, TTL_MS, PATIENCE_MS);
      for (const number of [1, 2]) cell.door(number).treat('down', { kind: 'hold' });
      holder.stop();
      const next = other.acquire(name, TTL_MS, PATIENCE_MS);
      await reached(atUs + share * TTL_MS * 1_000);
      if (share > 1) await next;
      holder.continue();
      const { mayWrite } = await holder.write(name, cell.resource.address, `late-${name}`);
      stage.check('I4', 'it believed that it might write after 1.1 TTL', !mayWrite || share < 1);
      await next;
      cell.heal();
      await other.write(name, cell.resource.address, `next-${name}`);
      await other.release(name);
    }
    return measured;
  },
};

const A8 = endOfHolder('A8', 'the holder exits in the middle of its work, without a word', (holder) => holder.leave());

const A10: PlayedRow = {
  id: 'A10',
  title: 'a release that the nodes get when another has the lease; one after the expiry; a second one',
  kind: 'played',
  control: {
    without: 'the owner check of a release, on the nodes',
    edits: guard('release-owner-script'),
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LASTING_TTL_MS });
    const [first, next] = [cell.client(1), cell.client(2)];
    await Promise.all([first.connect(cell.server(1).address), next.connect(cell.server(2).address)]);
    await first.acquire(R, TTL_MS);
    const granted = next.acquire(R, LASTING_TTL_MS, PATIENCE_MS);
    const ways = cell.redises.map((_, index) => cell.way(1, index + 1));
    for (const way of ways) way.treat('up', { kind: 'hold' });
    const released = first.release(R);
    const held = Promise.all(ways.map((way) => eventually(TTL_MS / 2, 'a release', () => way.holdsBack || undefined)));
    await held;
    const onTheirWay = ways.map((way) => way.strand());
    await granted;
    await Promise.all(onTheirWay.map((each) => each.deliver()));
    cell.heal();
    const outcomes = [await released, await first.release(R)];
    const rightly = outcomes.every((outcome) => outcome !== 'released');
    stage.check('S6', `released twice: ${outcomes.join(', ')}`, rightly);
    stage.check('I3', 'it was granted to the first again', (await first.refusal(R, TTL_MS, TTL_MS)) !== undefined);
    stage.check('I2', 'the next holder lost its lease', await next.mayWrite(R));
    stage.check('I2', 'the next holder could not give it back', (await next.release(R)) === 'released');
    await stage.noLocksLeft([R], SLACK_MS, LASTING_TTL_MS);
    await first.acquire(R, TTL_MS, PATIENCE_MS);
    first.stop();
    await next.acquire(R, LASTING_TTL_MS, PATIENCE_MS);
    first.continue();
    const late = await first.release(R);
    stage.check('S6', `released after the expiry: ${late}`, late === 'expired');
    stage.check('I2', 'the next holder lost its lease', await next.mayWrite(R));
    return (figures) => `${outcomes.join(', ')}, ${late}; ${measured(figures)}, 0 keys left`;
  },
};

export const CLIENT_ROWS = [A1, A2, A3, A4, A5, A8, A10];
