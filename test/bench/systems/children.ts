import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SCRATCH } from '../project-files.js';

const STOP_DEADLINE_MS = 5_000;
/** How much of what a process writes is kept, for the error when it fails. */
const KEPT_OUTPUT_CHARACTERS = 4_000;

const living = new Set<ChildProcess>();
const directories = new Set<string>();

/** Nothing outlives the run: neither processes nor their data. */
export function cleanUpOnExit(): void {
  process.on('exit', () => {
    for (const child of living) child.kill('SIGKILL');
    for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}

/** A process that is killed with this one at the latest. */
export function kept(child: ChildProcess): ChildProcess {
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

/** SIGTERM, and SIGKILL when that takes too long. */
export async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await ended;
  clearTimeout(overdue);
}

/** A fresh directory on the disk that all systems use. */
export async function dataDirectory(name: string): Promise<string> {
  await mkdir(SCRATCH, { recursive: true });
  const directory = await mkdtemp(join(SCRATCH, `${name}-`));
  directories.add(directory);
  return directory;
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  directories.delete(directory);
}

/** A server whose output says when it is ready. */
export interface SpawnedServer {
  readonly child: ChildProcess;
  /** The part of the output that the pattern of readiness matched. Rejects when the process ends before. */
  readonly ready: Promise<RegExpExecArray>;
}

/** Starts a server; `readyPattern` is looked for in what it writes, line by line. */
export function spawnServer(
  command: string,
  args: readonly string[],
  readyPattern: RegExp,
  environment: NodeJS.ProcessEnv = process.env,
): SpawnedServer {
  // A group of its own: Ctrl-C reaches this process first, which then kills it, without a drain in between.
  const child = kept(
    spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: environment }),
  );
  const ready = new Promise<RegExpExecArray>((resolve, reject) => {
    let output = '';
    let rest = '';
    let isReady = false;
    const take = (chunk: string): void => {
      if (isReady) return;
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARACTERS);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const match = readyPattern.exec(line);
        if (match === null) continue;
        isReady = true;
        resolve(match);
      }
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${command} ended with ${code ?? signal}:\n${output}`)));
  });
  // Whoever does not wait for readiness notices the failure by other means.
  ready.catch(() => undefined);
  return { child, ready };
}
