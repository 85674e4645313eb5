import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { removeCables } from './far-side.js';
import { removeMemoryRoom } from './memory-room.js';

/** Where sources run, with all that they start. */
const FROM_SOURCES = ['--import', 'tsx', '-C', '@holdfast/source'];

/** Runs one process after another, each with all that it starts in a group that is ended as a whole, also by Ctrl-C. */
export class OwnGroup<Told> {
  #running: ChildProcess | undefined;

  /** @param temporary A folder for the temporary files of everything that is started; it is removed with each group. */
  constructor(private readonly temporary: string) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        this.#end();
        process.exit(signal === 'SIGINT' ? 130 : 143);
      });
    }
  }

  /** Resolves when the group has ended, by itself or because its time was over. */
  async run(main: string, args: readonly string[], limitMs: number, hear: (told: Told) => void): Promise<void> {
    mkdirSync(this.temporary, { recursive: true });
    const env = { ...process.env, TMPDIR: this.temporary };
    const child = fork(main, args, { execArgv: FROM_SOURCES, detached: true, env });
    this.#running = child;
    child.on('message', hear);
    const overdue = setTimeout(() => this.#end(), limitMs);
    await once(child, 'exit');
    clearTimeout(overdue);
    this.#end();
  }

  #end(): void {
    const pid = this.#running?.pid;
    if (pid !== undefined) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
      removeCables(pid);
      removeMemoryRoom(pid);
    }
    rmSync(this.temporary, { recursive: true, force: true });
  }
}
