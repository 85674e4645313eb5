import { execFileSync, spawnSync } from 'node:child_process';
import { dataDirectory, removeDirectory, spawnServer, stopped } from './children.js';
import { freePort } from './free-port.js';
import type { PreparedSystem, Presence, RunningSystem } from './system.js';

const PACKAGE = 'etcd-server';

/** Looks for etcd and, as root on a Debian system, installs it when it is missing. */
export function provideEtcd(): Presence {
  const version = etcdVersion();
  if (version !== undefined) return { kind: 'present', version };
  if (process.getuid?.() !== 0) return { kind: 'missing', why: `etcd is not installed: apt-get install ${PACKAGE}` };
  const installed = spawnSync('apt-get', ['install', '-y', PACKAGE], {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const found = etcdVersion();
  if (found !== undefined) return { kind: 'present', version: found };
  const how = installed.error?.message ?? `exit code ${installed.status}`;
  return { kind: 'missing', why: `etcd is not installed, and apt-get install ${PACKAGE} failed: ${how}` };
}

function etcdVersion(): string | undefined {
  try {
    const output = execFileSync('etcd', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /etcd Version: (\S+)/.exec(output)?.[1] ?? 'unknown';
  } catch {
    return undefined;
  }
}

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
