import { stopped } from './children.js';
import { declareNewCluster } from './declare-cluster.js';
import { freePort } from './free-port.js';
import { type HoldfastServer, spawnHoldfast } from './holdfast-server.js';
import { type PreparedNodes, prepareNodes } from './redis-nodes.js';
import type { PreparedSystem, RunningSystem } from './system.js';

/** The built server on five Redis nodes of its own, which have been declared a new cluster; defaults otherwise. */
export async function prepareHoldfastOnRedis(): Promise<PreparedSystem> {
  const nodes = await prepareNodes();
  const target = `127.0.0.1:${await freePort()}`;
  return { target, spawn: () => spawnOnRedis(target, nodes) };
}

function spawnOnRedis(target: string, prepared: PreparedNodes): RunningSystem {
  const nodes = prepared.spawn();
  const named = prepared.addresses.map((address, index) => `redis-${index + 1}=redis://${address}`);
  let server: HoldfastServer | undefined;
  const started = async (): Promise<void> => {
    await nodes.ready;
    server = spawnHoldfast(target, ['--store', 'redlock', '--redis-nodes', named.join(',')]);
    await server.ready;
    await declareNewCluster(target);
  };
  return {
    target,
    processes: () => ({ server: server?.child.pid, nodes: nodes.pids }),
    ready: started(),
    counters: async () => {
      const counters = await server?.counters();
      return counters && { ...counters, scriptCalls: await nodes.scriptCalls() };
    },
    stop: async () => {
      if (server !== undefined) await stopped(server.child);
      await nodes.stop();
    },
  };
}
