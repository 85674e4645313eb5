import type { ResourceKey } from '../../server/src/core/names.js';
import type { CommitLog, DurableResource, LogBatch, LogContents } from '../../server/src/store/embedded/commit-log.js';

/** What survives a crash. Outlives the logs that write to it. */
export class MemoryDisk {
  lastToken = 0n;
  readonly resources = new Map<ResourceKey, DurableResource>();

  apply({ lastToken, changes }: LogBatch): void {
    this.lastToken = lastToken;
    for (const { resource, state } of changes) {
      if (state === undefined) this.resources.delete(resource);
      else this.resources.set(resource, state);
    }
  }
}

interface PendingAppend {
  readonly batch: LogBatch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** How appends come to their end. `lying` is for control runs: what it acknowledges is on disk one batch later. */
export type LogPace = 'at once' | 'by hand' | 'lying';

/** The embedded store's log on a disk in memory. To crash it, forget the store and open another on the same disk. */
export class MemoryLog implements CommitLog {
  #pending: PendingAppend | undefined;
  #persisted = false;
  #unwritten: LogBatch | undefined;
  appends = 0;
  closed = false;

  constructor(
    readonly disk: MemoryDisk = new MemoryDisk(),
    private readonly pace: LogPace = 'at once',
  ) {}

  get underWay(): boolean {
    return this.#pending !== undefined;
  }

  contents(): LogContents {
    const resources = [...this.disk.resources].map(([resource, state]) => ({ resource, state }));
    return { lastToken: this.disk.lastToken, resources };
  }

  append(batch: LogBatch): Promise<void> {
    if (this.#pending !== undefined) throw new Error('a second append while one is under way');
    this.appends += 1;
    if (this.pace === 'at once') {
      this.disk.apply(batch);
      return Promise.resolve();
    }
    if (this.pace === 'lying') {
      if (this.#unwritten !== undefined) this.disk.apply(this.#unwritten);
      this.#unwritten = batch;
      return Promise.resolve();
    }
    const acknowledged = new Promise<void>((resolve, reject) => {
      this.#pending = { batch, resolve, reject };
    });
    this.#persisted = false;
    return acknowledged;
  }

  /** The batch under way reaches the disk; nobody is told. */
  persist(): void {
    if (this.#pending === undefined || this.#persisted) return;
    this.disk.apply(this.#pending.batch);
    this.#persisted = true;
  }

  /** The batch under way is on the disk, and the store is told. */
  acknowledge(): void {
    this.persist();
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve();
  }

  /** The batch under way fails; whether it reached the disk is up to an earlier `persist`. */
  fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
