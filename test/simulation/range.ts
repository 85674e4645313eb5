import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/project-root.js';
import type { Outcome } from './outcome.js';

/** What there is to say of a seed in one line. */
export type Summary = Pick<
  Outcome,
  'seed' | 'grants' | 'grantsUnderFaults' | 'excused' | 'writes' | 'faults' | 'violations'
>;

const PREFER_SOURCES = [
  '--import',
  './support/prefer-import.mjs',
  '--import',
  'tsx',
  '--import',
  './support/plain-names.mjs',
  '--conditions',
  '@holdfast/source',
];
/** More would leave nothing to the tests that run beside. */
const MOST_PROCESSES = 4;

/**
 * Runs `seeds` seeds from `first`, on all processors. Ends with the first that breaks something, or when `seen` throws.
 * The order in which seeds are told of is not theirs.
 */
export async function runRange(first: number, seeds: number, seen: (summary: Summary) => void): Promise<void> {
  const processes = Math.max(1, Math.min(seeds, availableParallelism(), MOST_PROCESSES));
  const end = first + seeds;
  const children = Array.from({ length: processes }, (_, index) => {
    const args = [first + index, end, processes].map(String);
    return fork('simulation/range-process.ts', args, { cwd: join(ROOT, 'test'), execArgv: PREFER_SOURCES });
  });
  try {
    await Promise.all(
      children.map(async (child) => {
        const ended = once(child, 'exit');
        await new Promise<void>((resolve, reject) => {
          child.on('message', (summary: Summary) => {
            try {
              seen(summary);
            } catch (error) {
              reject(error);
            }
          });
          ended.then(([code, signal]) => {
            if (code === 0) resolve();
            else reject(new Error(`a process that runs seeds ended with ${code ?? signal}`));
          }, reject);
        });
      }),
    );
  } finally {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  }
}
