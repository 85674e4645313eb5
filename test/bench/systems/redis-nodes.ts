import { Redis } from 'ioredis';
import { dataDirectory, removeDirectory, spawnServer, stopped } from './children.js';
import { freePort } from './free-port.js';
import type { Program } from './presence.js';
import type { PreparedSystem, RunningSystem } from './system.js';

export const REDIS: Program = {
  command: 'redis-server',
  versionPattern: /v=(\S+)/,
  packageName: 'redis-server',
};

const NODES = 5;

/** Redis nodes that run. */
export interface RedisNodes {
  readonly pids: readonly number[];
  readonly ready: Promise<void>;
  /** Script calls the mean node has had since its start. */
  scriptCalls(): Promise<number>;
  stop(): Promise<void>;
}

/** Nodes that have their addresses and do not run yet. */
export interface PreparedNodes {
  /** `host:port` each. */
  readonly addresses: readonly string[];
  spawn(): RedisNodes;
}

/** Five Redis servers that know nothing of each other and write nothing to disk; defaults otherwise. */
export async function prepareNodes(): Promise<PreparedNodes> {
  const directory = await dataDirectory('redis');
  const ports = new Set<number>();
  while (ports.size < NODES) ports.add(await freePort());
  return {
    addresses: [...ports].map((port) => `127.0.0.1:${port}`),
    spawn: () => spawnNodes(directory, [...ports]),
  };
}

function spawnNodes(directory: string, ports: readonly number[]): RedisNodes {
  const servers = ports.map((port) =>
    spawnServer(
      'redis-server',
      [
        ['--bind', '127.0.0.1'],
        ['--port', String(port)],
        ['--save', ''],
        ['--appendonly', 'no'],
        ['--dir', directory],
      ].flat(),
      /Ready to accept connections/,
    ),
  );
  const watchers = ports.map((port) => new Redis({ port, lazyConnect: true }));
  const connected = async (): Promise<void> => {
    await Promise.all(servers.map(({ ready }) => ready));
    await Promise.all(watchers.map((watcher) => watcher.connect()));
  };
  return {
    pids: servers.map(({ child }) => child.pid ?? 0),
    ready: connected(),
    scriptCalls: async () => {
      const calls = await Promise.all(watchers.map(async (watcher) => scriptCalls(await watcher.info('commandstats'))));
      return calls.reduce((sum, each) => sum + each, 0) / calls.length;
    },
    stop: async () => {
      for (const watcher of watchers) watcher.disconnect();
      await Promise.all(servers.map(({ child }) => stopped(child)));
      await removeDirectory(directory);
    },
  };
}

/** Calls of scripts by their hash, from what `INFO commandstats` answers. */
export function scriptCalls(commandStatistics: string): number {
  return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(commandStatistics)?.[1] ?? 0);
}

/** Nothing but five nodes: the clients do the rest. */
export async function prepareBareNodes(): Promise<PreparedSystem> {
  const prepared = await prepareNodes();
  const target = prepared.addresses.join(',');
  return {
    target,
    spawn: (): RunningSystem => {
      const nodes = prepared.spawn();
      return {
        target,
        processes: () => ({ server: undefined, nodes: nodes.pids }),
        ready: nodes.ready,
        counters: () => Promise.resolve(undefined),
        stop: () => nodes.stop(),
      };
    },
  };
}
