import { stopped } from './children.js';
import { declareNewCluster } from './declare-cluster.js';
import { freePort } from './free-port.js';
import { spawnHoldfast } from './holdfast-server.js';
import { type RedisNodes, startNodes } from './redis-nodes.js';
import type { PreparedSystem, RunningSystem } from './system.js';

/** The built server on five Redis nodes of its own, which have been declared a new cluster; defaults otherwise. */
export async function prepareHoldfastOnRedis(): Promise<PreparedSystem> {
  const nodes = await startNodes();
  const target = `127.0.0.1:${await freePort()}`;
  return { target, spawn: () => spawnOnRedis(target, nodes) };
}

function spawnOnRedis(target: string, nodes: RedisNodes): RunningSystem {
  const named = nodes.addresses.map((address, index) => `redis-${index + 1}=redis://${address}`);
  const server = spawnHoldfast(target, ['--store', 'redlock', '--redis-nodes', named.join(',')]);
  return {
    target,
    processes: () => ({ server: server.child.pid, nodes: nodes.pids }),
    ready: server.ready.then(() => declareNewCluster(target)),
    counters: async () => {
      const [counters, scriptCalls] = await Promise.all([server.counters(), nodes.scriptCalls()]);
      return { ...counters, scriptCalls };
    },
    stop: async () => {
      await stopped(server.child);
      await nodes.stop();
    },
  };
}
