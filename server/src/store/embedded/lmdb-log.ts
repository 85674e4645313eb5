import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import type { ResourceKey } from '../../core/names.js';
import { BatchBuffer, textBytesAtMost } from './batch-buffer.js';
import type { CommitLog, DurableResource, LogBatch, LogContents } from './commit-log.js';
import { checkHeader, checkLength, damaged, exists, removeLockFile, syncDirectory } from './lmdb-file.js';
import { decodeResource, decodeToken, encodeResource, encodeToken } from './record-codec.js';
import { StoreRefusedError } from './store-refused-error.js';

const FILE = 'leases.mdb';
const FORMAT = '1';
const FORMAT_KEY = Buffer.from('mformat');
const TOKEN_KEY = Buffer.from('mtoken');
const RESOURCE_PREFIX = 'r';

/**
 * Address space, not memory or disk: the file is as long as its pages in use. With room for tens of millions of leases it
 * is never remapped under way; should it ever be too small, lmdb grows it by itself.
 */
const MAP_BYTES = 16 * 2 ** 30;

type Database = RootDatabase<Buffer, Buffer>;

/**
 * The log in an LMDB file. With `overlappingSync: false` lmdb resolves a batch after it has written the pages, called
 * fdatasync and written the meta page through an O_DSYNC descriptor; a test watches the system calls.
 */
export class LmdbLog implements CommitLog {
  /** Free again once a batch is durable, and there is never more than one. */
  readonly #buffer = new BatchBuffer();

  private constructor(
    private readonly db: Database,
    private readonly path: string,
  ) {}

  /** Opens the log in a directory that exists and is ours alone, creating it when there is none. */
  static async open(directory: string): Promise<LmdbLog> {
    const path = join(directory, FILE);
    if (!(await exists(path))) await create(directory, path);
    await checkHeader(path);
    await removeLockFile(path);
    const db = await openDatabase(path);
    const log = new LmdbLog(db, path);
    try {
      await log.#check();
    } catch (error) {
      await db.close();
      throw error;
    }
    return log;
  }

  contents(): LogContents {
    const resources: { readonly resource: ResourceKey; readonly state: DurableResource }[] = [];
    for (const { key, value } of this.db.getRange({ start: Buffer.from(RESOURCE_PREFIX) })) {
      const resource = Buffer.from(key).subarray(RESOURCE_PREFIX.length).toString() as ResourceKey;
      resources.push({
        resource,
        state: this.#decoded(`the record of ${JSON.stringify(resource)}`, value, decodeResource),
      });
    }
    const token = this.db.get(TOKEN_KEY);
    const lastToken = token === undefined ? 0n : this.#decoded('the last token', token, decodeToken);
    const greatest = resources.flatMap(({ state }) => [state.holder, ...state.planned]).map((record) => record.token);
    if (greatest.some((used) => used > lastToken)) throw damaged(this.path, 'the last token is below one in use');
    return { lastToken, resources };
  }

  async append({ lastToken, changes }: LogBatch): Promise<void> {
    const buffer = this.#buffer;
    buffer.reset();
    try {
      await this.db.batch(() => {
        void this.db.put(TOKEN_KEY, encodeToken(lastToken));
        for (const { resource, state } of changes) {
          const key = keyOf(resource, buffer);
          void (state === undefined ? this.db.remove(key) : this.db.put(key, encodeResource(state, buffer)));
        }
      });
    } catch (error) {
      throw new Error(`writing ${this.path} failed: ${await causeOf(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.db.close();
  }

  async #check(): Promise<void> {
    const { pageSize, lastPageNumber } = statsOf(this.db);
    await checkLength(this.path, (lastPageNumber + 1) * pageSize);
    const format = this.db.get(FORMAT_KEY)?.toString();
    if (format === FORMAT) return;
    if (format === undefined) throw damaged(this.path, 'it names no format');
    throw new StoreRefusedError(
      `${this.path} has store format ${JSON.stringify(format)} and this server reads format ${FORMAT}: start the server version that wrote it, or choose another --data-dir`,
    );
  }

  #decoded<T>(what: string, value: Buffer, decode: (value: Buffer) => T): T {
    try {
      return decode(value);
    } catch (error) {
      throw damaged(this.path, `${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function keyOf(resource: ResourceKey, into: BatchBuffer): Buffer {
  into.reserve(RESOURCE_PREFIX.length + textBytesAtMost(resource));
  return into.take(into.writeText(into.writeText(into.used, RESOURCE_PREFIX), resource));
}

/** Made beside its final name, so that a crash here leaves nothing that looks like a store. */
async function create(directory: string, path: string): Promise<void> {
  const draft = join(directory, `new-${FILE}`);
  await rm(draft, { force: true });
  await removeLockFile(draft);
  const db = await openDatabase(draft);
  await db.put(FORMAT_KEY, Buffer.from(FORMAT));
  await db.close();
  await removeLockFile(draft);
  await rename(draft, path);
  await syncDirectory(directory);
}

async function openDatabase(path: string): Promise<Database> {
  // Loaded here alone: it takes some 60 ms and servers with another store do without.
  const { open } = await import('lmdb');
  try {
    return open<Buffer, Buffer>({
      path,
      noSubdir: true,
      overlappingSync: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      mapSize: MAP_BYTES,
    });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new StoreRefusedError(
      `${path} cannot be opened (${cause}): check that the disk is writable and has room, or choose another --data-dir`,
    );
  }
}

function statsOf(db: Database): { readonly pageSize: number; readonly lastPageNumber: number } {
  const stats: unknown = db.getStats();
  if (typeof stats === 'object' && stats !== null && 'pageSize' in stats && 'lastPageNumber' in stats) {
    return { pageSize: Number(stats.pageSize), lastPageNumber: Number(stats.lastPageNumber) };
  }
  throw new Error('lmdb has no statistics');
}

/** lmdb's own error only says "see commitError"; that is a promise, and left alone it would be an unhandled rejection. */
async function causeOf(error: unknown): Promise<string> {
  if (error instanceof Error && 'commitError' in error) {
    try {
      await error.commitError;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }
  return error instanceof Error ? error.message : String(error);
}
