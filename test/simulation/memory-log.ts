import type { CommitLog, LogBatch, LogContents } from '../../server/src/store/embedded/commit-log.js';

/** What survives a crash of the simulated server: the disk. */
export class MemoryDisk {
  #lastToken = 0n;
  readonly #resources = new Map<string, LogContents['resources'][number]>();

  write(batch: LogBatch): void {
    this.#lastToken = batch.lastToken;
    for (const { resource, state } of batch.changes) {
      if (state === undefined) this.#resources.delete(resource);
      else this.#resources.set(resource, { resource, state });
    }
  }

  contents(): LogContents {
    return { lastToken: this.#lastToken, resources: [...this.#resources.values()] };
  }
}

/** A log on that disk. A batch reaches it some time after it was appended, unless the server dies before. */
export class MemoryLog implements CommitLog {
  constructor(
    private readonly disk: MemoryDisk,
    private readonly after: (delayMs: number, callback: () => void) => void,
    private readonly delayMs: () => number,
  ) {}

  contents(): LogContents {
    return this.disk.contents();
  }

  append(batch: LogBatch): Promise<void> {
    return new Promise((resolve) => {
      const totalMs = this.delayMs();
      const writtenMs = totalMs * 0.7;
      // Written and acknowledged are two moments: a server may die between them.
      this.after(writtenMs, () => {
        this.disk.write(batch);
        this.after(totalMs - writtenMs, resolve);
      });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
