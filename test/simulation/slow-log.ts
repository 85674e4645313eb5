import type { CommitLog, LogBatch, LogContents } from '../../server/src/store/embedded/commit-log.js';
import { type MemoryDisk, MemoryLog } from '../support/memory-log.js';

/** A log on a disk in memory. A batch reaches it some time after it was appended, unless the server dies before. */
export class SlowLog implements CommitLog {
  constructor(
    private readonly disk: MemoryDisk,
    private readonly after: (delayMs: number, callback: () => void) => void,
    private readonly delayMs: () => number,
  ) {}

  contents(): LogContents {
    return new MemoryLog(this.disk).contents();
  }

  append(batch: LogBatch): Promise<void> {
    return new Promise((resolve) => {
      const totalMs = this.delayMs();
      const writtenMs = totalMs * 0.7;
      // Written and acknowledged are two moments: a server may die between them.
      this.after(writtenMs, () => {
        this.disk.apply(batch);
        this.after(totalMs - writtenMs, resolve);
      });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
