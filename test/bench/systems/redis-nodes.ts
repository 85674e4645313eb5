import { startRedisServers } from '../../support/redis-server.js';
import type { PreparedSystem } from './system.js';

const NODES = 5;

/** Redis servers that know nothing of each other. They run from the start: they are not what is measured. */
export interface RedisNodes {
  /** `host:port` each. */
  readonly addresses: readonly string[];
  readonly pids: readonly number[];
  /** Script calls the mean node has had since its start. */
  scriptCalls(): Promise<number>;
  stop(): Promise<void>;
}

/** Five of them, which write nothing to disk; defaults otherwise. */
export async function startNodes(): Promise<RedisNodes> {
  const servers = await startRedisServers(NODES);
  return {
    addresses: servers.map(({ port }) => `127.0.0.1:${port}`),
    pids: servers.map(({ pid }) => pid),
    scriptCalls: async () => {
      const calls = await Promise.all(
        servers.map(async ({ client }) => scriptCalls(await client.info('commandstats'))),
      );
      return calls.reduce((sum, each) => sum + each, 0) / calls.length;
    },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** Calls of scripts by their hash, from what `INFO commandstats` answers. */
export function scriptCalls(commandStatistics: string): number {
  return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(commandStatistics)?.[1] ?? 0);
}

/** Nothing but five nodes: the clients do the rest. */
export async function prepareBareNodes(): Promise<PreparedSystem> {
  const nodes = await startNodes();
  const target = nodes.addresses.join(',');
  return {
    target,
    spawn: () => ({
      target,
      processes: () => ({ server: undefined, nodes: nodes.pids }),
      ready: Promise.resolve(),
      counters: () => Promise.resolve(undefined),
      stop: () => nodes.stop(),
    }),
  };
}
