import { spawnSync } from 'node:child_process';
import { ROOT } from '../support/project-root.js';
import type { Play } from './cast.js';
import { inWords, type Outcome } from './outcome.js';

/** Runs one seed, perhaps with some of its faults only. */
export type Rerun = (play: Play) => Promise<Outcome>;

/** How long the search for a shorter history may take, in milliseconds and runs. */
export interface Patience {
  readonly ms: number;
  readonly runs: number;
}

const PATIENCE: Patience = { ms: 20_000, runs: 200 };

/** The guarantee that a violation begins with. */
function guaranteeOf(outcome: Outcome): string | undefined {
  return outcome.violations[0]?.split(' ', 1)[0];
}

/**
 * The run with the fewest faults in which the same guarantee breaks, as far as taking faults away finds it: halves first,
 * then ever smaller parts, as delta debugging has it.
 */
export async function shrink(outcome: Outcome, rerun: Rerun, patience: Patience = PATIENCE): Promise<Outcome> {
  const guarantee = guaranteeOf(outcome);
  const startMs = performance.now();
  let runs = 0;
  let best = outcome;
  const isOver = (): boolean => runs >= patience.runs || performance.now() - startMs > patience.ms;
  const breaks = async (faults: readonly number[]): Promise<boolean> => {
    runs += 1;
    const shorter = await rerun({ faults: new Set(faults) });
    if (guaranteeOf(shorter) !== guarantee) return false;
    best = shorter;
    return true;
  };
  let parts = 2;
  while (best.struck.length > 0 && !isOver()) {
    const numbers = best.struck.map(({ number }) => number);
    const size = Math.ceil(numbers.length / parts);
    let found = false;
    for (let first = 0; first < numbers.length && !found && !isOver(); first += size) {
      found = await breaks([...numbers.slice(0, first), ...numbers.slice(first + size)]);
    }
    if (found) parts = Math.max(2, parts - 1);
    else if (size === 1) break;
    else parts = Math.min(numbers.length, 2 * parts);
  }
  return best;
}

/** Which sources were run: the last commit, and whether anything has changed since. */
export function commit(): string {
  const git = (...args: string[]): string => {
    const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : '';
  };
  const head = git('rev-parse', '--short', 'HEAD');
  if (head === '') return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no') === '' ? head : `${head}+changes`;
}

/** What to print of a seed that failed: how to repeat it, what broke, and the shortest history that leads there. */
export async function reportOf(outcome: Outcome, rerun: Rerun, patience?: Patience): Promise<string> {
  const shortest = await shrink(outcome, rerun, patience);
  const { seed, system, profile } = outcome;
  const told = await rerun({ isReplay: true, faults: new Set(shortest.struck.map(({ number }) => number)) });
  // What can be said besides changes nothing of what happens.
  const shown = told.violations.length > 0 ? told : shortest;
  const faults = shown.struck.map(({ number, atMs, name }) => `${name} #${number} at ${atMs.toFixed(0)} ms`);
  return [
    `SEED=${seed} COMMIT=${commit()} (${system}, ${profile}); replay with: make sim SEED=${seed}`,
    ...outcome.violations,
    `with ${shown.struck.length} of ${outcome.struck.length} faults: ${faults.join(', ')}`,
    ...shown.violations,
    ...shown.story,
  ].join('\n');
}

/** Everything that happened, line by line. */
export function traceOf(outcome: Outcome): string {
  return [...outcome.trace.map(inWords), ...outcome.violations].join('\n');
}
