import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import type { Direction } from '../../../support/tcp-proxy.js';
import { PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { NO_DELETION, NO_MAJORITY } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { LASTING_TTL_MS, R, reached, SMALL } from '../scenes.js';

const LONG_TTL_MS = 30_000;
const DIRECTIONS: readonly Direction[] = ['up', 'down'];
const MAJORITY = [1, 2, 3];

export const D8B: PlayedRow = {
  id: 'D8b',
  title: 'one direction of a connection ends while the other goes on: to three nodes under a bid, and to the holder',
  kind: 'played',
  control: NO_DELETION,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LONG_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.door().address), other.connect(cell.server().address)]);
    await holder.acquire('kept', LONG_TTL_MS);
    const ways = MAJORITY.map((node) => cell.way(1, node));
    let freeMs = 0;
    let backMs = 0;
    for (const direction of DIRECTIONS) {
      const name = `bid-${direction}`;
      for (const way of ways) way.treat('down', { kind: 'hold' });
      const refused = other.refusal(name, LONG_TTL_MS);
      await eventually(
        PATIENCE_MS,
        'replies',
        async () => (await cell.locks(name)).every((value) => value !== null) || undefined,
      );
      for (const way of ways) way.halfClose(direction);
      const words = await refused;
      stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, words !== undefined);
      cell.heal();
      const ms = await stage.soon('I6', 'all keys freed', LONG_TTL_MS / 3, async () =>
        (await cell.locks(name)).every((value) => value === null),
      );
      freeMs = Math.max(freeMs, ms);
      const startMs = performance.now();
      cell.door().halfClose(direction);
      await holder.acquire(`after-${direction}`, LONG_TTL_MS, PATIENCE_MS);
      backMs = Math.max(backMs, performance.now() - startMs);
      stage.check('I11', `the holder lost its lease with its way ${direction}`, await holder.mayWrite('kept'));
    }
    stage.check('I3', 'what is held was granted', (await other.refusal('kept', TTL_MS)) !== undefined);
    await holder.release('kept');
    await other.acquire('kept', TTL_MS, PATIENCE_MS);
    return (figures) =>
      `all keys freed after ${seconds(freeMs)}, the holder back after ${seconds(backMs)} with its lease; ${measured(figures)}`;
  },
};

/** For 350 s, and pings of 10 s: what many a balancer does. */
const FORGETS_MS = 2_500;
const FORGETS_SOONER_MS = 500;
const IDLE_MS = 2 * FORGETS_MS;
/** Beats come every sixth of it: seldom enough for pings alone to keep a connection known, and often enough to miss an answer. */
const SELDOM_TTL_MS = LONG_TTL_MS;
const OFTEN_TTL_MS = 6_000;
const PINGS = ['--keepalive-interval', '1s', '--keepalive-timeout', '1s'];

export const D11: PlayedRow = {
  id: 'D11',
  title: `a relay that forgets connections after ${FORGETS_MS / 1_000} s of silence, then after ${FORGETS_SOONER_MS / 1_000} s; pings every second`,
  kind: 'played',
  control: {
    without: 'the server’s pings',
    edits: [
      {
        file: 'server/src/rpc/grpc-server.ts',
        original: "'grpc.keepalive_time_ms': settings.keepaliveIntervalMs,",
        replacement: "'grpc.keepalive_time_ms': 3_600_000,",
      },
    ],
    breaks: /^I11: pings have kept the connection/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, nodes: 3, servers: 1, maxTtlMs: LONG_TTL_MS, serverArgs: PINGS });
    const [holder, waiter] = [cell.client(1), cell.client(2)];
    const door = cell.door();
    await Promise.all([holder.connect(cell.server().address), waiter.connect(door.address)]);
    const forgets = (ms: number): void => {
      for (const direction of DIRECTIONS) door.treat(direction, { kind: 'forget_idle', ms });
    };
    const handedOn = async (name: string, ttlMs: number, meanwhile: () => Promise<void>): Promise<number> => {
      await holder.acquire(name, ttlMs, PATIENCE_MS);
      const granted = waiter.acquire(name, ttlMs, 2 * PATIENCE_MS);
      granted.catch(() => undefined);
      await cell.waiting(1);
      await meanwhile();
      const releasedUs = nowUs();
      await holder.release(name);
      const { atUs } = await granted;
      await waiter.release(name);
      return (atUs - releasedUs) / 1_000;
    };
    forgets(FORGETS_MS);
    const keptMs = await handedOn('idle', SELDOM_TTL_MS, () => reached(nowUs() + IDLE_MS * 1_000));
    const isKept = keptMs < SLACK_MS / 2 && door.forgotten === 0;
    stage.check(
      'I11',
      `pings have kept the connection: ${door.forgotten} forgotten, granted after ${seconds(keptMs)}`,
      isKept,
    );
    forgets(FORGETS_SOONER_MS);
    let noticedMs = 0;
    const lateMs = await handedOn('forgotten', OFTEN_TTL_MS, async () => {
      const startMs = performance.now();
      await eventually(PATIENCE_MS, 'another connection', () => door.asked > 1 || undefined);
      noticedMs = performance.now() - startMs;
    });
    return (figures) =>
      `granted within ${seconds(keptMs)} on a connection kept by pings; a forgotten one noticed after ${seconds(noticedMs)}, ` +
      `granted ${seconds(lateMs)} after the release; ${measured(figures)}`;
  },
};

const FAILS_WITH = ['UnavailableError', 'WaitTimeoutError'];
const BLIND = 'the second server sees no majority';

export const D14: PlayedRow = {
  id: 'D14',
  title: 'one server sees the nodes; the other sees two of five, then none, and clients come to it',
  kind: 'played',
  control: { ...NO_MAJORITY, breaks: /^I10 at .* when nothing could be certain/ },
  play: async (stage) => {
    const apart = (server: number): readonly number[] => (server === 2 ? MAJORITY : []);
    const cell = await stage.cell({ ...SMALL, clients: 3, maxTtlMs: LASTING_TTL_MS, apart });
    const [sighted, blind] = cell.servers.map(({ address }) => address) as [string, string];
    const [holder, alone, both] = [cell.client(1), cell.client(2), cell.client(3)];
    await Promise.all([holder.connect(sighted), alone.connect(blind), both.connect(blind, sighted)]);
    await holder.acquire(R, LASTING_TTL_MS);
    const names = ['apart-2', 'apart-0'];
    stage.record.add({ kind: 'fault_begins', fault: BLIND, closes: { resources: names, codes: FAILS_WITH } });
    const said: string[] = [];
    for (const name of names) {
      if (name === 'apart-0') cell.cut(2, 1, 2, 3, 4, 5);
      const words = await alone.refusal(name, TTL_MS);
      const isNamed = /nodes (unreachable|did not vote)/.test(words ?? '');
      stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, isNamed);
      said.push(/\d of 5 nodes \w+/.exec(words ?? '')?.[0] ?? 'nothing');
    }
    stage.record.add({ kind: 'fault_ends', fault: BLIND });
    // The first word of the server that sees nothing sends its client to the other.
    let tries = 0;
    const movedMs = await stage.soon('I11', 'a grant to who knows both servers', PATIENCE_MS, async () => {
      tries += 1;
      return (await both.refusal('elsewhere', TTL_MS)) === undefined;
    });
    stage.check('I3', 'what is held was granted', (await both.refusal(R, TTL_MS)) !== undefined);
    stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
    cell.heal();
    await alone.acquire('healed', TTL_MS, PATIENCE_MS);
    return (figures) =>
      `${said.join(', ')}: refused; who knows both had it from the other after ${tries} tries in ${seconds(movedMs)}; ${measured(figures)}`;
  },
};
