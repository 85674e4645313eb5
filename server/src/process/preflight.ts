import { rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flagOf } from '../config/options.js';
import type { ServerConfig } from '../config/server-config.js';
import { DirectoryLock } from '../store/embedded/directory-lock.js';
import { prepareDirectory } from '../store/embedded/open-embedded-store.js';
import { StoreRefusedError } from '../store/embedded/store-refused-error.js';
import { addressProblem } from './addresses.js';
import { EXIT, StartRefused } from './exit-codes.js';
import { systemClock } from './system-clock.js';

/**
 * Looks for what would keep a server with this configuration from starting, and leaves everything as it was. What it finds on
 * the way goes to `say`.
 */
export async function preflight(config: ServerConfig, say: (line: string) => void): Promise<StartRefused | undefined> {
  const store = await storeProblem(config, say);
  if (store !== undefined) return store;
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

async function storeProblem(config: ServerConfig, say: (line: string) => void): Promise<StartRefused | undefined> {
  const { store } = config;
  switch (store.kind) {
    case 'embedded': {
      const problem = await directoryProblem(store.directory);
      return problem === undefined ? undefined : new StartRefused(problem, EXIT.storeRefused);
    }
    case 'redlock': {
      const { checkNodes } = await import('./check-nodes.js');
      return checkNodes(store, config, say).catch((error: unknown) => {
        if (error instanceof StartRefused) return error;
        throw error;
      });
    }
  }
}

/** Makes the directory and takes its lock, as a start would, and removes again what was not there before. */
async function directoryProblem(directory: string): Promise<string | undefined> {
  const missing = await missingDirectories(directory);
  try {
    const path = await prepareDirectory(directory).catch(async (error: unknown) => {
      await removeDirectories(missing);
      throw error;
    });
    const lock = await DirectoryLock.take(path, systemClock);
    // Only while the lock is held, or it might be taken away from a server that has just begun there.
    await removeDirectories(missing);
    await lock.release();
    return undefined;
  } catch (error) {
    if (error instanceof StoreRefusedError) return error.message;
    throw error;
  }
}

/** The directory and those above it, as far as they do not exist; the innermost first. */
async function missingDirectories(directory: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let path = directory; path !== dirname(path); path = dirname(path)) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) break;
    missing.push(path);
  }
  return missing;
}

/** Removes those that are empty: one that is not has found a user by now. Some may never have been made. */
async function removeDirectories(innermostFirst: readonly string[]): Promise<void> {
  for (const path of innermostFirst) await rmdir(path).catch(() => undefined);
}
