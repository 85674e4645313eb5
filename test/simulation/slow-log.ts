import type { CommitLog, LogBatch, LogContents } from '../../server/src/store/embedded/commit-log.js';
import { type MemoryDisk, MemoryLog } from '../support/memory-log.js';

/** How far a commit has come. */
export type LogMoment = 'begun' | 'written' | 'acknowledged';

export interface SlowLogPorts {
  after(delayMs: number, callback: () => void): void;
  /** How long a commit takes. */
  delayMs(): number;
  reached(moment: LogMoment): void;
}

/** A log on a disk in memory. A batch reaches it some time after it was appended, unless the server dies before. */
export class SlowLog implements CommitLog {
  constructor(
    private readonly disk: MemoryDisk,
    private readonly ports: SlowLogPorts,
  ) {}

  contents(): LogContents {
    return new MemoryLog(this.disk).contents();
  }

  append(batch: LogBatch): Promise<void> {
    const { after, delayMs, reached } = this.ports;
    reached('begun');
    return new Promise((resolve) => {
      const totalMs = delayMs();
      const writtenMs = totalMs * 0.7;
      // Written and acknowledged are two moments: a server may die between them.
      after(writtenMs, () => {
        this.disk.apply(batch);
        reached('written');
        after(totalMs - writtenMs, () => {
          resolve();
          reached('acknowledged');
        });
      });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
