import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { nodeKeys } from '../../../../server/src/store/redlock/node/node-keys.js';
import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import { runHoldfast } from '../../../support/holdfast-command.js';
import type { RedisServer } from '../../../support/redis-server.js';
import { lockKey } from '../../../support/redlock/fault-rig.js';
import { type Cell, PATIENCE_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { TWO_BELIEVE } from '../../harness/stage.js';
import { NO_PUTTING_BACK, NO_QUARANTINE } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { heldByThree, LONG_TTL_MS, R, SMALL } from '../scenes.js';

/** What a quarantine is there to prevent: an admission for a node that has waited for nothing. */
async function admitByHand({ client }: RedisServer): Promise<void> {
  const info = await client.info();
  const field = (name: string): string => new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1] ?? '';
  await client.set(nodeKeys('default').admission, `${field('run_id')}:${field('master_replid')}`, 'PX', 60_000);
}

/** How much a server still waits for node 3; not a number while it does not. */
async function leftS(cell: Cell, server: number): Promise<number> {
  const text = await cell.metrics(server);
  return Number(/^holdfast_node_quarantine_left_seconds\{node="redis-3"\} (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
}

const C6: PlayedRow = {
  id: 'C6',
  title:
    'a node restarts empty as in C5, and its operator does not want to wait: the command there is begins the wait anew',
  kind: 'played',
  control: {
    without: 'the quarantine, which the operator cuts short by writing the admission himself',
    edits: [],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    let resetUs = 0;
    const { cell, befellUs, afterMs } = await heldByThree(stage, {}, async (before) => {
      await before.redis(3).restart({ empty: true });
      await eventually(PATIENCE_MS, 'its quarantine', async () => (await leftS(before, 2)) > 0 || undefined);
      resetUs = nowUs();
      if (stage.control !== undefined) return admitByHand(before.redis(3));
      const order = ['admin', 'node', 'reset', 'redis-3', '--yes'];
      const { code, stderr } = await runHoldfast(order, { server: before.server(2).address });
      stage.check('C6', `the reset said ${stderr}`, code === 0);
    });
    const waitedMs = afterMs - (resetUs - befellUs) / 1_000;
    stage.check('S1', `granted ${seconds(waitedMs)} after the order to reset it`, waitedMs >= cell.quarantineMs);
    return (figures) => `next grant ${seconds(waitedMs)} after the order to reset it; ${measured(figures)}`;
  },
};

const KEEPS_ALL = [
  ['appendonly', 'yes'],
  ['appendfsync', 'always'],
] as const;

/** What a node writes to its disk from now on is lost when it is called: the node must not run then. */
function losesWhatComes({ directory }: RedisServer): () => void {
  const folder = join(directory, 'appendonlydir');
  const name = readdirSync(folder).find((file) => file.endsWith('.incr.aof'));
  if (name === undefined) throw new Error('the node writes nothing to its disk');
  const file = join(folder, name);
  const { size } = statSync(file);
  return () => truncateSync(file, size);
}

const C7: PlayedRow = {
  id: 'C7',
  title: 'all nodes restart with what is on their disks, of which one lacks the end: nobody can tell which',
  kind: 'played',
  control: NO_QUARANTINE,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LONG_TTL_MS, redis: { directives: KEEPS_ALL } });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    cell.cut(1, 4, 5);
    cell.cut(2, 1, 2);
    const { token } = await holder.acquire('on all disks', LONG_TTL_MS, PATIENCE_MS);
    const loses = losesWhatComes(cell.redis(3));
    await holder.acquire(R, LONG_TTL_MS, PATIENCE_MS);
    const granted = other.acquire(R, LONG_TTL_MS, 2 * cell.quarantineMs + 2 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [2]);
    const restartedUs = nowUs();
    await Promise.all(cell.redises.map((redis) => redis.kill()));
    loses();
    await Promise.all(cell.redises.map((redis) => redis.restart()));
    const next = await granted;
    const afterMs = (next.atUs - restartedUs) / 1_000;
    stage.check('S1', `granted ${seconds(afterMs)} after the restart`, afterMs >= cell.quarantineMs);
    const isKept = await holder.mayWrite('on all disks');
    const values = (await cell.locks('on all disks')).slice(0, 3);
    const isThere = values.every((value) => value?.endsWith(`:${token}`) === true);
    stage.check('I11', `a lease on all disks was lost: ${JSON.stringify(values)}`, isKept && isThere);
    await other.release(R);
    return (figures) =>
      `the lease on all disks is kept; next grant of the other ${seconds(afterMs)} after; ${measured(figures)}`;
  },
};

/** Loses it again and again: long enough for a loaded machine to extend it, and short enough to wait for that. */
const FORGOTTEN_TTL_MS = 3_000;

type Forgotten = 'lock' | 'ballot';

async function forget(cell: Cell, nodes: readonly number[], what: readonly Forgotten[]): Promise<void> {
  const keys = what.map((each) => (each === 'lock' ? lockKey(R) : ballotKey(R)));
  await Promise.all(nodes.map((number) => cell.redis(number).client.del(...keys)));
}

function ballotKey(name: string): string {
  return `${lockKey(name)}\0b`;
}

/** Every node has the lease as it was, and no token up to its own can be taken there. */
async function isWhole(cell: Cell, value: string, token: string): Promise<boolean> {
  const values = await cell.locks(R);
  const ballots = await Promise.all(cell.redises.map(({ client }) => client.get(ballotKey(R))));
  return values.every((each) => each === value) && ballots.every((ballot) => BigInt(ballot ?? 0) >= BigInt(token));
}

const C10: PlayedRow = {
  id: 'C10',
  title:
    'the lock is deleted at two nodes, then with its ballot at two others, under a lease that another server’s client waits for',
  kind: 'played',
  control: NO_PUTTING_BACK,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LONG_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    const { token } = await holder.acquire(R, FORGOTTEN_TTL_MS, PATIENCE_MS);
    const value = (await cell.locks(R))[2] ?? '';
    const granted = other.acquire(R, FORGOTTEN_TTL_MS, 6 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [2]);
    const tookMs: number[] = [];
    // Without a guard it does not come back, and nobody has to wait for it for longer than for the next extensions.
    const withinMs = stage.control === undefined ? PATIENCE_MS : FORGOTTEN_TTL_MS;
    for (const [nodes, what] of [
      [[1, 4], ['lock']],
      [
        [2, 5],
        ['lock', 'ballot'],
      ],
    ] as const) {
      await forget(cell, nodes, what);
      const whole = (): Promise<boolean> => isWhole(cell, value, token);
      tookMs.push(await stage.soon('I11', `${what} put back at nodes ${nodes}`, withinMs, whole));
    }
    stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
    await forget(cell, [1, 3], ['ballot']);
    await holder.release(R);
    const next = await granted;
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(token));
    await other.release(R);
    const [first, second] = tookMs.map(seconds);
    return (figures) => `put back within ${first} and ${second}, token unchanged; ${measured(figures)}`;
  },
};

/** So long that the second wipe comes when the leases of nodes that are cut off from it are over. */
const TIMED_TTL_MS = 4_000;
const LEASE_TTL_MS = 3_000;
/** What is left of the first wait at the second wipe, at most. */
const LEFT_S = 1.8;

/** Resolves just after node 3 was told that the lease goes on, when both servers have little left of their waits for it. */
async function extendedLate(cell: Cell): Promise<void> {
  await eventually(PATIENCE_MS, 'most of the wait', async () => {
    const left = await Promise.all([leftS(cell, 1), leftS(cell, 2)]);
    return left.every((each) => each > 0 && each < LEFT_S) || undefined;
  });
  const { client } = cell.redis(3);
  let beforeMs = await client.pttl(lockKey(R));
  await eventually(PATIENCE_MS, 'an extension', async () => {
    const leftMs = await client.pttl(lockKey(R));
    const isExtended = leftMs > beforeMs;
    beforeMs = leftMs;
    return isExtended || undefined;
  });
}

const C24: PlayedRow = {
  id: 'C24',
  title: 'two servers time the quarantine of a node, and it is wiped again when little is left of that',
  kind: 'played',
  control: {
    without: 'beginning the wait anew with every mark, and the look at the mark on admission',
    edits: [...guard('quarantine-nonce'), ...guard('admit-nonce')],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const apart = (server: number): readonly number[] => (server === 1 ? [] : [1, 2]);
    const cell = await stage.cell({ ...SMALL, maxTtlMs: TIMED_TTL_MS, apart });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    await holder.acquire(R, LEASE_TTL_MS, PATIENCE_MS);
    await cell.redis(3).client.flushall();
    await eventually(PATIENCE_MS, 'the lease put back', async () => (await cell.locks(R))[2] ?? undefined);
    // From here on nodes 1, 2 and 3 alone have it, and the second server's client has to wait for what node 3 says.
    cell.cut(1, 4, 5);
    const granted = other.acquire(R, LEASE_TTL_MS, 4 * PATIENCE_MS);
    granted.catch(() => undefined);
    await extendedLate(cell);
    const wipedMs = performance.now();
    await cell.redis(3).client.flushall();
    await cell.admitted(3, cell.quarantineMs + PATIENCE_MS);
    const waitedMs = performance.now() - wipedMs;
    stage.check('S1', `it votes ${seconds(waitedMs)} after the second wipe`, waitedMs >= cell.quarantineMs);
    await granted;
    await other.release(R);
    return (figures) => `the node votes ${seconds(waitedMs)} after the second wipe; ${measured(figures)}`;
  },
};

export const MEMORY_ROWS = { C6, C7, C10, C24 };
