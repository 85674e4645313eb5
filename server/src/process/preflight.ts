import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flagOf } from '../config/options.js';
import type { ServerConfig } from '../config/server-config.js';
import { DirectoryLock } from '../store/embedded/directory-lock.js';
import { StoreRefusedError } from '../store/embedded/store-refused-error.js';
import { addressProblem } from './addresses.js';
import { EXIT, StartRefused } from './exit-codes.js';
import { systemClock } from './system-clock.js';

/** Looks for what would keep a server with this configuration from starting, and changes nothing. */
export async function preflight(config: ServerConfig): Promise<StartRefused | undefined> {
  const { directory: path } = config.store;
  const directory = (await directoryProblem(path)) ?? (await useProblem(path));
  if (directory !== undefined) return new StartRefused(directory, EXIT.storeRefused);
  const addresses = [
    { address: config.listen, flag: flagOf('listen') },
    { address: config.metricsListen, flag: flagOf('metricsListen') },
  ];
  for (const { address, flag } of addresses) {
    const problem = address && (await addressProblem(address, flag));
    if (problem !== undefined) return new StartRefused(problem, EXIT.failed);
  }
  return undefined;
}

/** The directory itself, or the nearest one above it that exists, must be a directory one may write to. */
async function directoryProblem(directory: string): Promise<string | undefined> {
  const remedy = `choose another with ${flagOf('dataDir')}, or allow this user to write there`;
  for (let path = directory; ; path = dirname(path)) {
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) {
      if (path !== dirname(path)) continue;
      return `the data directory ${directory} cannot be created: ${remedy}`;
    }
    if (!stats.isDirectory()) {
      return `the data directory ${directory} cannot be used, ${path} is not a directory: ${remedy}`;
    }
    const writable = await access(path, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    );
    return writable ? undefined : `the data directory ${directory} is not writable: ${remedy}`;
  }
}

/** A directory that exists must not be another server's. */
async function useProblem(directory: string): Promise<string | undefined> {
  if ((await stat(directory).catch(() => undefined)) === undefined) return undefined;
  try {
    const lock = await DirectoryLock.take(directory, systemClock);
    await lock.release();
    return undefined;
  } catch (error) {
    if (error instanceof StoreRefusedError) return error.message;
    throw error;
  }
}
