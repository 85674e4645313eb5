import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where groups of processes with a limit are made, and how files are called there. */
interface Controller {
  readonly root: string;
  readonly limit: string;
  readonly withSwap: string;
  readonly peak: string;
}

const CONTROLLERS: readonly Controller[] = [
  {
    root: '/sys/fs/cgroup',
    limit: 'memory.max',
    withSwap: 'memory.swap.max',
    peak: 'memory.peak',
  },
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    withSwap: 'memory.memsw.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
  },
];

const nameOf = (pid: number): string => `holdfast-${pid}`;
const REMOVED_WITHIN_MS = 2_000;
const ASK_EVERY_MS = 10;

/** A control group that may not have more memory than its limit: the kernel ends a process in it that wants more. */
export class MemoryRoom {
  /** What a command needs before it to run in there. */
  readonly command: readonly string[];

  private constructor(
    private readonly folder: string,
    private readonly controller: Controller,
  ) {
    this.command = ['sh', '-c', 'echo $$ > "$0"/cgroup.procs && exec "$@"', folder];
  }

  /** One at a time for each process; `undefined` where this one may not make any. */
  static make(limitBytes: number): MemoryRoom | undefined {
    for (const controller of CONTROLLERS) {
      const folder = join(controller.root, nameOf(process.pid));
      try {
        mkdirSync(folder);
        if (existsSync(join(folder, controller.limit))) {
          const room = new MemoryRoom(folder, controller);
          room.#limitTo(limitBytes);
          return room;
        }
        rmdirSync(folder);
      } catch {
        // No such controller, or none for us.
      }
    }
    return undefined;
  }

  /** The most it has had at a time. */
  get peakBytes(): number {
    return Number(readFileSync(join(this.folder, this.controller.peak), 'utf8'));
  }

  remove(): void {
    removeMemoryRoom(process.pid);
  }

  #limitTo(bytes: number): void {
    const { limit, withSwap } = this.controller;
    writeFileSync(join(this.folder, limit), String(bytes));
    // The one says how much swap there is, the other how much memory with its swap.
    if (existsSync(join(this.folder, withSwap))) {
      writeFileSync(join(this.folder, withSwap), withSwap === 'memory.swap.max' ? '0' : String(bytes));
    }
  }
}

/** Takes away the room of a process, when whoever was in it has ended; waits a moment for that. */
export function removeMemoryRoom(pid: number): void {
  for (const { root } of CONTROLLERS) {
    const folder = join(root, nameOf(pid));
    const endMs = performance.now() + REMOVED_WITHIN_MS;
    while (existsSync(folder) && performance.now() < endMs) {
      try {
        rmdirSync(folder);
      } catch {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASK_EVERY_MS);
      }
    }
  }
}
