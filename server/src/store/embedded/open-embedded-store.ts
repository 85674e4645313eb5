import { access, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../core/ports.js';
import { DirectoryLock } from './directory-lock.js';
import { EmbeddedStore, type EmbeddedStoreOptions } from './embedded-store.js';
import { exists, syncDirectory } from './lmdb-file.js';
import { LmdbLog } from './lmdb-log.js';
import { StoreRefusedError } from './store-refused-error.js';

export interface OpenEmbeddedStoreOptions extends Omit<EmbeddedStoreOptions, 'log' | 'onClosed'> {
  /** Created if missing, with access for its owner alone. Used by one process at a time. */
  readonly directory: string;
  readonly clock: Pick<Clock, 'nowMs' | 'wallMs' | 'after'>;
}

/**
 * Opens the embedded store of a data directory and reads it.
 *
 * @throws StoreRefusedError when the directory is in use, not usable, damaged, or of another format.
 */
export async function openEmbeddedStore(options: OpenEmbeddedStoreOptions): Promise<EmbeddedStore> {
  const directory = await prepareDirectory(options.directory);
  const lock = await DirectoryLock.take(directory, options.clock);
  let log: LmdbLog | undefined;
  try {
    log = await LmdbLog.open(directory);
    return new EmbeddedStore({ ...options, log, onClosed: () => lock.release() });
  } catch (error) {
    await log?.close();
    await lock.release();
    throw error instanceof StoreRefusedError ? error : refusal(directory, error);
  }
}

/**
 * Makes sure of a directory that can be written to; returns its real path.
 *
 * @throws StoreRefusedError when there is none and none can be made.
 */
export async function prepareDirectory(path: string): Promise<string> {
  try {
    await makeDirectory(resolve(path));
    const directory = await realpath(path);
    if (!(await stat(directory)).isDirectory()) throw new Error('it is not a directory');
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return directory;
  } catch (error) {
    throw refusal(path, error);
  }
}

/** Node's own recursive `mkdir` never returns where a file system answers ENOENT below a directory that exists, as /proc does. */
async function makeDirectory(path: string): Promise<void> {
  if (await exists(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  await mkdir(path, { mode: 0o700 });
  await syncDirectory(parent);
}

function refusal(directory: string, error: unknown): StoreRefusedError {
  return new StoreRefusedError(
    `data directory ${directory} cannot be used (${reasonOf(error)}): make it a directory this user may write to, or choose another --data-dir`,
  );
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it is not a directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EROFS':
      return 'its file system is read-only';
    case 'ENOSPC':
      return 'its disk is full';
    default:
      return error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  }
}
