import { nowUs } from '../../../history/events.js';
import { PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { type Control, TWO_BELIEVE } from '../../harness/stage.js';
import { NO_HELD, NO_OWN_CLOCK, NO_QUARANTINE } from '../controls.js';
import { measured, type PlayedRow, type Row, seconds } from '../row.js';
import { LONG_TTL_MS, mustNotWrite, R, reached, SMALL } from '../scenes.js';
import { CLUSTER_ROWS } from './cluster-rows.js';
import { B8 } from './flood-rows.js';
import { ROLLING_ROWS } from './rolling-rows.js';
import { STALL_ROWS } from './stall-rows.js';

const FREES_AT_OWN_DEADLINE: Control = {
  without: 'the owner check of a release, by a server that frees at its own deadline',
  edits: [
    ...guard('release-owner-script'),
    {
      file: 'server/src/core/endings.ts',
      original: '    this.contention.pump(request.resource);\n  }\n\n  /** The store holds another value',
      replacement: "    this.giveBack(request, 'released');\n  }\n\n  /** The store holds another value",
    },
  ],
  breaks: TWO_BELIEVE,
};

const B1: PlayedRow = {
  id: 'B1',
  title: 'the server is killed that has the holder’s stream and the queue',
  kind: 'played',
  control: NO_HELD,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, clients: 3, maxTtlMs: LONG_TTL_MS });
    const [holder, waiter, rival] = [cell.client(1), cell.client(2), cell.client(3)];
    const both = cell.servers.map(({ address }) => address);
    await Promise.all([holder.connect(...both), waiter.connect(...both), rival.connect(cell.server(2).address)]);
    const first = await holder.acquire(R, LONG_TTL_MS);
    const granted = waiter.acquire(R, LONG_TTL_MS, 6 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [1]);
    // Somebody at the other server knows of the holder by the nodes alone.
    const refused = rival.refusal(R, LONG_TTL_MS, LONG_TTL_MS);
    const startMs = performance.now();
    await cell.server(1).kill();
    // Besides the rival.
    await cell.waiting(2, [2]);
    const movedMs = performance.now() - startMs;
    stage.check('I3', 'granted at the other server while it is held', (await refused) !== undefined);
    await reached(first.atUs + 1.5 * LONG_TTL_MS * 1_000);
    stage.check('I3', 'the waiter was granted what is held', !waiter.has('granted'));
    const stillHeld = await holder.mayWrite(R);
    stage.check('I11', 'the holder lost its lease', stillHeld);
    const isSame = (await cell.locks(R)).every((value) => value?.endsWith(`:${first.token}`) === true);
    stage.check('S6', 'it has another token', isSame);
    await holder.write(R, cell.resource.address, 'holder');
    await holder.release(R);
    const next = await granted;
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(first.token));
    await waiter.release(R);
    return (figures) =>
      `the waiter at the other server within ${seconds(movedMs)}, the lease kept with its token, ${measured(figures)}`;
  },
};

const B2: PlayedRow = {
  id: 'B2',
  title: 'the holder’s server stands still for longer than the lease, then goes on',
  kind: 'played',
  control: NO_OWN_CLOCK,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LONG_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    await holder.acquire(R, TTL_MS);
    cell.server(1).signal('SIGSTOP');
    const next = await other.acquire(R, LONG_TTL_MS, 2 * PATIENCE_MS);
    cell.server(1).signal('SIGCONT');
    await mustNotWrite(stage, cell, holder.write(R, cell.resource.address, 'late'));
    // What the server sends late must not disturb the other: it has it after a whole further TTL.
    await reached(next.atUs + 1.2 * LONG_TTL_MS * 1_000);
    stage.check('I3', 'the next holder lost its lease', await other.mayWrite(R));
    await other.release(R);
    await stage.noLocksLeft([R], SLACK_MS, LONG_TTL_MS);
    return measured;
  },
};

const B4B: PlayedRow = {
  id: 'B4b',
  title: 'the holder has moved; its first server lives on with a queue, and passes its own deadline for the lease',
  kind: 'played',
  control: FREES_AT_OWN_DEADLINE,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LONG_TTL_MS });
    const [holder, waiter] = [cell.client(1), cell.client(2)];
    await Promise.all([
      holder.connect(cell.doors[0] ?? '', cell.doors[1] ?? ''),
      waiter.connect(cell.server(1).address),
    ]);
    await holder.acquire(R, LONG_TTL_MS);
    const granted = waiter.acquire(R, LONG_TTL_MS, 6 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [1]);
    cell.door(1).treat('up', { kind: 'swallow' });
    cell.door(1).treat('down', { kind: 'swallow' });
    await cell.server(1).logged((line) => line.event === 'lease_lost');
    const lapsedUs = process.hrtime.bigint() / 1_000n;
    await reached(Number(lapsedUs) + LONG_TTL_MS * 1_000);
    stage.check('I3', 'the first server has handed it on', !waiter.has('granted'));
    stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
    await holder.release(R);
    await granted;
    await waiter.release(R);
    return measured;
  },
};

const B4: PlayedRow = {
  id: 'B4',
  title: 'the holder’s server stands still for 0.5, 1 and 2 TTL, and somebody waits at the other',
  kind: 'played',
  control: NO_OWN_CLOCK,
  play: async (stage) => {
    const cell = await stage.cell(SMALL);
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    const kept: number[] = [];
    for (const share of [0.5, 1, 2]) {
      const name = `during-${share}`;
      await holder.acquire(name, TTL_MS, PATIENCE_MS);
      const granted = other.acquire(name, TTL_MS, 2 * PATIENCE_MS);
      granted.catch(() => undefined);
      cell.server(1).signal('SIGSTOP');
      await reached(nowUs() + share * TTL_MS * 1_000);
      if (share > 1) await granted;
      cell.server(1).signal('SIGCONT');
      const { mayWrite } = await holder.write(name, cell.resource.address, `after-${share}`);
      if (mayWrite) kept.push(share);
      await holder.release(name);
      await granted;
      await other.release(name);
    }
    stage.check('I11', 'half a TTL cost the lease', kept.includes(0.5));
    stage.check('I4', 'a lease outlasted a server that stood still for 2 TTL', !kept.includes(2));
    return (figures) => `kept through ${kept.join(', ') || 'none'} TTL; ${measured(figures)}`;
  },
};

const B6: PlayedRow = {
  id: 'B6',
  title: 'both servers are killed while they time the quarantine of a node, and started again',
  kind: 'played',
  control: { ...NO_QUARANTINE, breaks: /^S1: what the killed servers had waited/ },
  play: async (stage) => {
    // A quarantine longer than a server takes to start.
    const cell = await stage.cell({ ...SMALL, maxTtlMs: 12_000 });
    const client = cell.client(1);
    await client.connect(cell.server(1).address);
    const first = await client.acquire(R, TTL_MS, PATIENCE_MS);
    await cell.redis(3).restart({ empty: true });
    await reached(nowUs() + cell.quarantineMs * 500);
    await Promise.all(cell.servers.map((server) => server.kill()));
    const startMs = performance.now();
    await Promise.all([cell.succeed(1), cell.succeed(2)]);
    await cell.admitted(3, cell.quarantineMs + PATIENCE_MS);
    const waitedMs = performance.now() - startMs;
    stage.check('S1', 'what the killed servers had waited was counted', waitedMs >= cell.quarantineMs);
    const next = await client.acquire('after', TTL_MS, PATIENCE_MS);
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(first.token));
    return (figures) => `the node votes ${seconds(waitedMs)} after their start; ${measured(figures)}`;
  },
};

const { B9 } = CLUSTER_ROWS;
const { B5, B7 } = ROLLING_ROWS;
const { B3 } = STALL_ROWS;

export const SERVER_ROWS: readonly Row[] = [B1, B2, B3, B4, B4B, B5, B6, B7, B8, B9];
