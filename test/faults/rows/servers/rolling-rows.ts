import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import { PATIENCE_MS, SLACK_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { TWO_BELIEVE } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { LASTING_TTL_MS, LEAST_SHIFTS, R, rested, SMALL } from '../scenes.js';

/** How long a server waits for its clients to leave. */
const DRAIN_MS = 3_000;

const B5: PlayedRow = {
  id: 'B5',
  title: 'a server is told to stop that has a holder and a waiter; then the other, one of whose clients stands still',
  kind: 'played',
  control: {
    without: 'the word to clients that they should leave',
    edits: [
      {
        file: 'server/src/core/server-core.ts',
        original: '    for (const stream of this.#streams) stream.drain(Math.ceil(remainingMs));\n',
        replacement: '',
      },
    ],
    breaks: /^I11: it ended only after/,
  },
  play: async (stage) => {
    const serverArgs = ['--drain-timeout', `${DRAIN_MS}ms`];
    const cell = await stage.cell({ ...SMALL, clients: 3, maxTtlMs: LASTING_TTL_MS, serverArgs });
    const [holder, waiter, late] = [cell.client(1), cell.client(2), cell.client(3)];
    const both = cell.servers.map(({ address }) => address);
    await Promise.all([holder.connect(...both), waiter.connect(...both)]);
    const first = await holder.acquire(R, LASTING_TTL_MS);
    const granted = waiter.acquire(R, LASTING_TTL_MS, 6 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [1]);
    const stopped = async (number: number): Promise<number> => {
      const startMs = performance.now();
      const { code, signal } = await cell.server(number).kill('SIGTERM');
      stage.check('I11', `a server ended with ${code ?? signal}`, code === 0);
      return performance.now() - startMs;
    };
    const leftMs = await stopped(1);
    stage.check('I11', `it ended only after ${seconds(leftMs)}`, leftMs < DRAIN_MS);
    if (leftMs >= DRAIN_MS) return measured;
    await cell.waiting(1, [2]);
    for (const { name, states } of [holder, waiter]) {
      stage.check('I11', `${name} was ${states.join(', then ')}`, !states.includes('reconnecting'));
    }
    stage.check('I3', 'the waiter was granted what is held', !waiter.has('granted'));
    stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
    await late.connect(...both);
    await late.acquire('late', LASTING_TTL_MS);
    const freedUs = nowUs();
    await holder.release(R);
    const next = await granted;
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(first.token));
    const handedMs = (next.atUs - freedUs) / 1_000;
    await waiter.release(R);
    await late.release('late');
    await stage.noLocksLeft([R, 'late'], SLACK_MS, LASTING_TTL_MS);
    late.stop();
    const graceMs = await stopped(2);
    stage.check('L5', `it ended ${seconds(graceMs)} after it was told to`, graceMs < DRAIN_MS + SLACK_MS);
    const moved = `both at the other server, and the first gone, within ${seconds(leftMs)}`;
    return (figures) =>
      `${moved} of ${DRAIN_MS / 1_000} s; handed on in ${seconds(handedMs)}; the second ended after ${seconds(graceMs)}; ${measured(figures)}`;
  },
};

const NAMES = ['a', 'b', 'c', 'd'];
const HOLD_MS = 50;

const B7: PlayedRow = {
  id: 'B7',
  title: 'three servers are replaced one after another, under load',
  kind: 'played',
  control: {
    without: 'the owner check of a release, by servers that free what is held when its stream ends',
    edits: [...guard('no-freeing-at-detach'), ...guard('release-owner-script')],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 3, maxTtlMs: LASTING_TTL_MS });
    const addresses = cell.servers.map(({ address }) => address);
    const [holder, waiter] = [cell.client(1), cell.client(2)];
    await Promise.all(
      cell.clients.map((client, index) => client.connect(...addresses.slice(index), ...addresses.slice(0, index))),
    );
    await holder.acquire(R, LASTING_TTL_MS);
    waiter.acquire(R, LASTING_TTL_MS, 6 * PATIENCE_MS).catch(() => undefined);
    for (const client of cell.clients) client.work(NAMES, LASTING_TTL_MS, HOLD_MS, cell.resource.address);
    const startMs = performance.now();
    for (const number of [1, 2, 3]) {
      await cell.server(number).kill('SIGTERM');
      // It goes wrong with the first of them, and no further than that.
      if (stage.control !== undefined) {
        await eventually(PATIENCE_MS, 'what the waiter must not get', () => waiter.has('granted') || undefined);
        break;
      }
      await cell.succeed(number);
    }
    const tookMs = performance.now() - startMs;
    const { shifts, failures } = await rested(stage, cell);
    stage.check('I3', 'granted what is held', !waiter.has('granted'));
    stage.check('I11', 'the lease was lost', await holder.mayWrite(R));
    stage.check('I11', `${failures} requests failed`, failures === 0);
    stage.check('I11', `leases held to their ends: ${shifts}`, Math.min(...shifts) > LEAST_SHIFTS);
    for (const { name, states } of cell.clients) {
      stage.check('I11', `${name} was ${states.join(', then ')}`, !states.includes('reconnecting'));
    }
    await holder.release(R);
    await stage.soon('I11', 'the waiter granted', SLACK_MS, () => waiter.has('granted'));
    const load = `${shifts.join(' and ')} leases meanwhile, ${failures} failures`;
    return (figures) => `three replaced in ${seconds(tookMs)}, one lease kept; ${load}; ${measured(figures)}`;
  },
};

export const ROLLING_ROWS = { B5, B7 };
