import { dataDirectory, removeDirectory, spawnServer, stopped } from './children.js';
import { freePort } from './free-port.js';
import type { Program } from './presence.js';
import type { PreparedSystem, RunningSystem } from './system.js';

export const ETCD: Program = {
  command: 'etcd',
  versionPattern: /etcd Version: (\S+)/,
  packageName: 'etcd-server',
};

/** A single member with its defaults: every proposal is in the log on disk, by fsync, before it is answered. */
export async function prepareEtcd(): Promise<PreparedSystem> {
  const directory = await dataDirectory('etcd');
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const args = [
    ['--data-dir', directory],
    ['--listen-client-urls', clientUrl],
    ['--advertise-client-urls', clientUrl],
    ['--listen-peer-urls', peerUrl],
    ['--initial-advertise-peer-urls', peerUrl],
    ['--initial-cluster', `default=${peerUrl}`],
  ].flat();
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'));
  const environment = Object.fromEntries(inherited);
  const target = `127.0.0.1:${clientPort}`;
  return { target, spawn: () => spawnEtcd(target, directory, args, environment) };
}

function spawnEtcd(
  target: string,
  directory: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): RunningSystem {
  const { child, ready } = spawnServer('etcd', args, /ready to serve client requests/, environment);
  return {
    target,
    processes: () => ({ server: child.pid, nodes: [] }),
    ready: ready.then(() => undefined),
    counters: () => Promise.resolve(undefined),
    stop: async () => {
      await stopped(child);
      await removeDirectory(directory);
    },
  };
}
