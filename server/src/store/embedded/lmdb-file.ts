import { open as openFile, rm, stat } from 'node:fs/promises';
import { StoreRefusedError } from './store-refused-error.js';

/** Where LMDB's two meta pages keep what is looked at here: the magic number and the page size. */
const MAGIC_OFFSET = 24;
const MAGIC = 0xbeefc0de;
const PAGE_SIZE_OFFSET = 48;
const META_BYTES = 52;
const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536];

/** False only when there is certainly nothing: whatever cannot be looked at must not be written over. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/** LMDB's lock file is for readers in other processes. A left-over one can only be stale: the directory is ours alone. */
export async function removeLockFile(path: string): Promise<void> {
  await rm(`${path}-lock`, { force: true });
}

/** LMDB maps a file without looking and dies of SIGSEGV when it is none of its own, so look first. */
export async function checkHeader(path: string): Promise<void> {
  const file = await openFile(path, 'r');
  try {
    const meta = Buffer.alloc(META_BYTES);
    await file.read(meta, 0, META_BYTES, 0);
    const pageSize = meta.readUInt32LE(PAGE_SIZE_OFFSET);
    if (meta.readUInt32LE(MAGIC_OFFSET) !== MAGIC || !PAGE_SIZES.includes(pageSize)) throw damaged(path, 'its header');
    const second = Buffer.alloc(META_BYTES);
    await file.read(second, 0, META_BYTES, pageSize);
    if (second.readUInt32LE(MAGIC_OFFSET) !== MAGIC) throw damaged(path, 'its second header');
  } finally {
    await file.close();
  }
}

/** A file shorter than its own table of pages ends the process with SIGBUS at the first read beyond its end. */
export async function checkLength(path: string, expectedBytes: number): Promise<void> {
  const { size } = await stat(path);
  if (size < expectedBytes)
    throw damaged(path, `its length of ${size} bytes, which should be at least ${expectedBytes}`);
}

/** A new name in a directory is durable once the directory is. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await openFile(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export function damaged(path: string, what: string): StoreRefusedError {
  return new StoreRefusedError(
    `${path} is damaged (${what}): restore the data directory from a backup, or move it away to start empty once the longest TTL has passed`,
  );
}
