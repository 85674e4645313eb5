import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What the kernel tells of a process. */
export class ProcessWatch {
  constructor(private readonly pid: number) {}

  /** Files and connections it has open. */
  get files(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** What it has of memory. */
  get residentBytes(): number {
    return this.#status('VmRSS');
  }

  /** The most it has had, since the last time that was forgotten. */
  get peakBytes(): number {
    return this.#status('VmHWM');
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  #status(field: string): number {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(
      readFileSync(`/proc/${this.pid}/status`, 'utf8'),
    );
    if (kilobytes?.[1] === undefined) throw new Error(`process ${this.pid} has no ${field}`);
    return Number(kilobytes[1]) * 1_024;
  }
}
