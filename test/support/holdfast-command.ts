import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeProgram } from './node-program.js';
import { ROOT } from './project-root.js';
import type { ProcessEnd } from './server-process.js';

const MAIN = fileURLToPath(new URL('../../client/src/cli/main.ts', import.meta.url));
/** Generous: a loaded machine may compile the sources first. */
const DEADLINE_MS = 20_000;

export interface CommandOptions {
  /** `HOLDFAST_SERVER`. */
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a run of `holdfast` left behind. */
export interface CommandRun extends ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
}

/** A `holdfast` that runs. */
export interface RunningCommand {
  readonly pid: number;
  /** Resolves when the process is gone and its output read; it is killed after 20 s. */
  readonly ended: Promise<CommandRun>;
  /** Resolves when stdout and stderr together contain the text; rejects when the process ends without. */
  wrote(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** What to run instead of an installed `holdfast`, in the project's folder. */
export function holdfastOfTheProject(): { readonly program: string; readonly args: readonly string[] } {
  return { program: process.execPath, args: nodeProgram(MAIN) };
}

/** Starts the project's `holdfast`. */
export function startHoldfast(args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'));
  const own = options.server === undefined ? {} : { HOLDFAST_SERVER: options.server };
  const { program, args: sourceArgs } = holdfastOfTheProject();
  const child = spawn(program, [...sourceArgs, ...args], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...own, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  const output = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
      for (const look of [...watchers]) look();
    });
  }
  const overdue = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const ended = new Promise<CommandRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(overdue);
      living.delete(child);
      resolve({ code, signal, ...output });
    });
  });
  const wrote = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!`${output.stdout}\n${output.stderr}`.includes(text)) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
      ended.then((run) => reject(new Error(`it ended without ${text}: ${JSON.stringify(run)}`)), reject);
    });
  return { pid: child.pid ?? 0, ended, wrote, signal: (name) => void child.kill(name) };
}

/** Runs `holdfast` to its end. */
export function runHoldfast(args: readonly string[], options?: CommandOptions): Promise<CommandRun> {
  return startHoldfast(args, options).ended;
}
