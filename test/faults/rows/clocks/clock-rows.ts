import { nowUs } from '../../../history/events.js';
import { type Cell, MAX_TTL_MS, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { TWO_BELIEVE } from '../../harness/stage.js';
import { NO_FENCE } from '../controls.js';
import { measured, type PlayedRow, type Row, seconds } from '../row.js';
import { clocks, heldAndWaited, heldByThree, LONG_TTL_MS, R, reached, SMALL } from '../scenes.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;

const A12: PlayedRow = {
  id: 'A12',
  title: 'the wall clock of a client is set back by an hour and by a day, and it is cut off; then it is set forward',
  kind: 'played',
  control: {
    without: 'the monotonic clock',
    edits: [
      {
        file: 'client/src/session/deadline.ts',
        original: 'Math.min(this.#monotonicMs - clock.nowMs(), this.#wallMs - clock.wallMs())',
        replacement: 'this.#wallMs - clock.wallMs()',
      },
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const clock = clocks(stage, 1);
    const plan = { ...SMALL, clientLaunch: { env: clock.envOf(1) } };
    const { cell, holder, waiter, granted } = await heldAndWaited(stage, plan);
    clock.shiftBy(-HOUR_MS);
    await reached(nowUs() + TTL_MS * 1_000);
    stage.check('I11', 'a clock set back cost the lease', await holder.mayWrite(R));
    clock.shiftBy(-DAY_MS);
    for (const door of [1, 2]) cell.door(door).treat('down', { kind: 'swallow' });
    for (const door of [1, 2]) cell.door(door).treat('up', { kind: 'swallow' });
    await granted;
    stage.check('I3', 'it believes that it may write', !(await holder.mayWrite(R)));
    clock.shiftBy(HOUR_MS);
    const after = await waiter.mayWrite(R);
    return (figures) => `set forward by a day and an hour: ${after ? 'kept' : 'lost early'}; ${measured(figures)}`;
  },
};

const E1: PlayedRow = {
  id: 'E1',
  title:
    'the clock of a node leaps 60 s ahead under a lease on it and two others; another server reaches it and the rest',
  kind: 'played',
  control: {
    without: 'the watch of the nodes’ clocks, and the nodes’ window',
    edits: [...guard('clock-moved'), ...guard('window-script')],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const clock = clocks(stage, 3);
    const { afterMs } = await heldByThree(stage, { redisEnv: clock.envOf }, async (cell) => {
      clock.shiftBy(MINUTE_MS);
      const words = await cell.client(2).refusal(R, LONG_TTL_MS, LONG_TTL_MS);
      stage.check('I3', 'granted by a node whose clock had leapt', words !== undefined);
      clock.shiftBy(0);
    });
    return (figures) => `refused; right again, next grant ${seconds(afterMs)} after the leap; ${measured(figures)}`;
  },
};

const C23: PlayedRow = {
  id: 'C23',
  title: 'the clock of a node is 601 s ahead for 0.3 s, and right again',
  kind: 'played',
  control: {
    without: 'the watch of the nodes’ clocks, and the quarantine',
    edits: [...guard('clock-moved'), ...guard('quarantine-wait')],
    breaks: TWO_BELIEVE,
    admitsAtOnce: true,
  },
  play: async (stage) => {
    const clock = clocks(stage, 3);
    const { afterMs } = await heldByThree(stage, { redisEnv: clock.envOf }, async () => {
      clock.shiftBy(601_000);
      await reached(nowUs() + 300_000);
      clock.shiftBy(0);
    });
    return (figures) => `next grant ${seconds(afterMs)} after; ${measured(figures)}`;
  },
};

/** Two clients at two servers, one of which holds; the other waits. */
async function contended(cell: Cell) {
  const [holder, other] = [cell.client(1), cell.client(2)];
  await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
  const first = await holder.acquire(R, MAX_TTL_MS, PATIENCE_MS);
  await holder.write(R, cell.resource.address, 'first');
  return { holder, other, first };
}

const E2: PlayedRow = {
  id: 'E2',
  title:
    'the clocks of three nodes leap 60 s ahead at once: two may believe then, which is documented; tokens stay right',
  kind: 'played',
  control: NO_FENCE,
  play: async (stage) => {
    const clock = clocks(stage, 1, 2, 3);
    const cell = await stage.cell({ ...SMALL, redisEnv: clock.envOf });
    const { holder, other, first } = await contended(cell);
    stage.beliefsMayMeetFromUs = nowUs();
    clock.shiftBy(MINUTE_MS);
    const next = await other.acquire(R, MAX_TTL_MS, 2 * cell.quarantineMs + PATIENCE_MS);
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(first.token));
    await other.write(R, cell.resource.address, 'next');
    await cell.resource.entry('next');
    await holder.write(R, cell.resource.address, 'late', { by: 'nothing' });
    const { kind } = await cell.resource.entry('late');
    stage.check('I2', 'the older token was taken after the newer', kind === 'write_refused');
    await other.release(R);
    return (figures) => `tokens rise; ${measured(figures)}`;
  },
};

const E5: PlayedRow = {
  id: 'E5',
  title: 'the wall clock of a server is set forward and back by a day, under a lease',
  kind: 'played',
  control: {
    without: 'the monotonic clock of a server',
    edits: [
      {
        file: 'server/src/process/system-clock.ts',
        original: 'nowMs: () => performance.now(),',
        replacement: 'nowMs: () => Date.now(),',
      },
    ],
    breaks: /^I11: a step of -?\d+ ms cost the lease/,
  },
  play: async (stage) => {
    const clock = clocks(stage, 1);
    const cell = await stage.cell({ ...SMALL, serverEnv: clock.envOf });
    const { holder, other } = await contended(cell);
    const aheadMs: number[] = [];
    for (const ms of [DAY_MS, -DAY_MS]) {
      clock.shiftBy(ms);
      const { token } = await holder.acquire(`after a step of ${ms} ms`, MAX_TTL_MS, PATIENCE_MS);
      aheadMs.push(Math.abs(Number(token) / 1_000 - Date.now()));
      await reached(nowUs() + MAX_TTL_MS * 1_000);
      const shownMs = (await cell.wallClockMs(1)) - Date.now();
      if (Math.abs(shownMs - ms) > MINUTE_MS) throw new Error(`the server's clock is ${seconds(shownMs)} ahead`);
      const isHeld = await holder.mayWrite(R);
      stage.check('I11', `a step of ${ms} ms cost the lease`, isHeld);
      // What is lost does not come back.
      if (!isHeld) return measured;
    }
    const wrongMs = Math.max(...aheadMs);
    stage.check('E5', `a token is ${seconds(wrongMs)} off the time`, wrongMs < MINUTE_MS);
    clock.shiftBy(0);
    await holder.release(R);
    await other.acquire(R, TTL_MS, PATIENCE_MS);
    return (figures) => `the lease kept, tokens at most ${seconds(wrongMs)} off the time; ${measured(figures)}`;
  },
};

const E6: PlayedRow = {
  id: 'E6',
  title: 'the wall clock of a server is an hour ahead from its start on',
  kind: 'played',
  control: {
    without: 'proposals by the nodes’ clocks, and the nodes’ window',
    edits: [
      ...guard('window-script'),
      {
        file: 'server/src/store/redlock/coordinator/token-source.ts',
        original: 'Math.max(this.#last + 1, Math.floor(medianUs), above + 1)',
        replacement: 'Math.max(this.#last + 1, Date.now() * 1_000, above + 1)',
      },
    ],
    breaks: /^E6: the token is .* ahead/,
  },
  play: async (stage) => {
    const clock = clocks(stage, 1);
    clock.shiftBy(HOUR_MS);
    const cell = await stage.cell({ ...SMALL, serverEnv: clock.envOf });
    const { holder, other, first } = await contended(cell);
    const aheadMs = Number(first.token) / 1_000 - Date.now();
    stage.check('E6', `the token is ${seconds(aheadMs)} ahead`, aheadMs < MINUTE_MS);
    await holder.release(R);
    const next = await other.acquire(R, TTL_MS, PATIENCE_MS);
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(first.token));
    return (figures) => `token ${seconds(aheadMs)} ahead of the time; ${measured(figures)}`;
  },
};

export const CLOCK_ROWS = { A12, C23, E1, E2, E5, E6 } satisfies Readonly<Record<string, Row>>;
