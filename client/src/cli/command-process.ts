import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { EXIT, SIGNAL_BASE } from './exit-codes.js';

/** How a command ended. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  /** It never ran. */
  | { readonly kind: 'notStarted'; readonly problem: string; readonly exitCode: number };

/**
 * A command and whatever it starts: one process group, so that all of it can be stopped. The group is a session of its
 * own, the only way Node.js has of making one: signals of the terminal reach it through `signalAll` alone.
 */
export class CommandProcess {
  /** Resolves when the command itself has ended; others of its group may live on. */
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  #running = true;

  constructor([program, ...args]: readonly [string, ...string[]], environment: NodeJS.ProcessEnv) {
    this.#child = spawn(program, args, { stdio: 'inherit', detached: true, env: environment });
    this.ended = new Promise((resolve) => {
      const settle = (end: CommandEnd): void => {
        this.#running = false;
        resolve(end);
      };
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        if (this.#child.pid === undefined) settle(notStarted(program, error));
      });
      this.#child.once('exit', (code, signal) => {
        settle(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signalled', signal });
      });
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** Sends a signal to the whole group. Whether there was anybody left to get it. */
  signalAll(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      // Somebody is there, but belongs to another user.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
}

/** What a shell would return. */
export function exitCodeOf(end: CommandEnd): number {
  switch (end.kind) {
    case 'exited':
      return end.code;
    case 'signalled':
      return SIGNAL_BASE + constants.signals[end.signal];
    case 'notStarted':
      return end.exitCode;
  }
}

function notStarted(program: string, { code, message }: NodeJS.ErrnoException): CommandEnd {
  const shown = JSON.stringify(program);
  if (code === 'ENOENT') {
    const problem = `command not found: ${shown}; give its path, or its name if it is in PATH`;
    return { kind: 'notStarted', problem, exitCode: EXIT.notFound.code };
  }
  const denied = isDirectory(program)
    ? 'it is a directory; name the program in it'
    : 'it is not executable; try chmod +x';
  const why = code === 'EACCES' ? denied : message;
  return { kind: 'notStarted', problem: `cannot run ${shown}: ${why}`, exitCode: EXIT.notExecutable.code };
}

/** Only of paths: a bare name is looked up in PATH. */
function isDirectory(program: string): boolean {
  return program.includes('/') && statSync(program, { throwIfNoEntry: false })?.isDirectory() === true;
}
