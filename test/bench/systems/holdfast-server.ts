import type { ChildProcess } from 'node:child_process';
import { SERVER_MAIN } from '../project-files.js';
import { dataDirectory, removeDirectory, spawnServer, stopped } from './children.js';
import { freePort } from './free-port.js';
import { total } from './prometheus-text.js';
import type { PreparedSystem, ServerCounters } from './system.js';

/** The built server on the embedded store, with its defaults but for addresses, data directory and `flags`. */
export async function prepareHoldfast(flags: readonly string[] = []): Promise<PreparedSystem> {
  const directory = await dataDirectory('holdfast');
  const target = `127.0.0.1:${await freePort()}`;
  return {
    target,
    spawn: () => {
      const server = spawnHoldfast(target, ['--data-dir', directory, ...flags]);
      return {
        target,
        processes: () => ({ server: server.child.pid, nodes: [] }),
        ready: server.ready,
        counters: () => server.counters(),
        stop: async () => {
          await stopped(server.child);
          await removeDirectory(directory);
        },
      };
    },
  };
}

export interface HoldfastServer {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  counters(): Promise<ServerCounters>;
}

export function spawnHoldfast(target: string, flags: readonly string[]): HoldfastServer {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST|OTEL)_/.test(name));
  const metricsUrl = /"metrics":"(http:[^"]+)"/;
  const args = [SERVER_MAIN, '--listen', target, '--metrics-listen', '127.0.0.1:0', ...flags];
  const { child, ready } = spawnServer(process.execPath, args, metricsUrl, Object.fromEntries(inherited));
  return {
    child,
    ready: ready.then(() => undefined),
    counters: async () => readCounters((await ready)[1] ?? ''),
  };
}

async function readCounters(metricsUrl: string): Promise<ServerCounters> {
  const response = await fetch(metricsUrl);
  if (!response.ok) throw new Error(`${metricsUrl} answered ${response.status}`);
  const text = await response.text();
  return {
    commits: total(text, 'holdfast_store_commit_grants_count'),
    commitGrants: total(text, 'holdfast_store_commit_grants_sum'),
    framesIn: total(text, 'holdfast_stream_frames_total', { direction: 'in' }),
    messagesIn: total(text, 'holdfast_stream_messages_total', { direction: 'in' }),
    framesOut: total(text, 'holdfast_stream_frames_total', { direction: 'out' }),
    messagesOut: total(text, 'holdfast_stream_messages_total', { direction: 'out' }),
    extensions: total(text, 'holdfast_extensions_total'),
    lost:
      total(text, 'holdfast_leases_ended_total', { end: 'expired' }) +
      total(text, 'holdfast_leases_ended_total', { end: 'displaced' }),
    scriptCalls: 0,
  };
}
