import { SERVER_MAIN } from '../project-files.js';
import { dataDirectory, removeDirectory, spawnServer, stopped } from './children.js';
import { freePort } from './free-port.js';
import { total } from './prometheus-text.js';
import type { PreparedSystem, RunningSystem, ServerCounters } from './system.js';

/** The built server on the embedded store, with its defaults but for addresses, data directory and `flags`. */
export async function prepareHoldfast(flags: readonly string[] = []): Promise<PreparedSystem> {
  const directory = await dataDirectory('holdfast');
  const target = `127.0.0.1:${await freePort()}`;
  const addresses = ['--listen', target, '--metrics-listen', '127.0.0.1:0', '--data-dir', directory];
  return { target, spawn: () => spawnHoldfast(target, directory, [SERVER_MAIN, ...addresses, ...flags]) };
}

function spawnHoldfast(target: string, directory: string, args: readonly string[]): RunningSystem {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST|OTEL)_/.test(name));
  const metricsUrl = /"metrics":"(http:[^"]+)"/;
  const { child, ready } = spawnServer(process.execPath, args, metricsUrl, Object.fromEntries(inherited));
  return {
    target,
    pid: child.pid ?? 0,
    ready: ready.then(() => undefined),
    counters: async () => readCounters((await ready)[1] ?? ''),
    stop: async () => {
      await stopped(child);
      await removeDirectory(directory);
    },
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
  };
}
