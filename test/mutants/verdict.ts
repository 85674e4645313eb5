import { join, relative } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { type MochaRun, runMocha } from './mocha-run.js';
import { type Edit, hasTests, misfit, type Patch, testFilesOf } from './patch.js';
import { isSimulated, runSimulator, type SearchLimits, type SimulatorRun, UNSEEN_SEARCH_MS } from './simulator-run.js';

/** Whether a test misses a guard. */
export type Verdict =
  | { readonly kind: 'noticed'; readonly by: string; readonly error: string }
  /** The patch or its test is no good, or nothing failed. */
  | { readonly kind: 'failed'; readonly why: string };

/** Whether the simulator does. */
export type SimulatorVerdict =
  | {
      readonly kind: 'found';
      readonly seed: number;
      readonly system: string;
      readonly violation: string;
      readonly story: readonly string[];
    }
  /** As the patch says that it is. */
  | { readonly kind: 'unseen'; readonly why: string; readonly seeds: number }
  | { readonly kind: 'failed'; readonly why: string };

/** Errors that say that the patch is not what it was meant to be: of Node, and of Lua in Redis. */
const NOT_MEANT = /\b(Reference|Syntax)Error\b|\bError compiling script\b|\buser_script:\d+/;

/** Errors of a program that has met what it was not written for: that it falls over says nothing of a guarantee. */
const FELL_OVER = /^(?:crash at [^:]*: |Uncaught )?(?:Type|Range)Error\b/;

/** Switches one guard off and runs its tests, of which the one that is named must fail. */
export async function tryPatch(patch: Patch): Promise<Verdict> {
  const why = hasTests(patch) ? misfit(patch) : 'names neither a test nor files of tests';
  if (why !== undefined) return { kind: 'failed', why };
  return verdictOf(patch, await runMocha(testFiles([patch]), titled([patch]), patch.edits));
}

export function verdictOf({ edits, test, tests }: Patch, run: MochaRun): Verdict {
  const failed = (why: string): Verdict => ({ kind: 'failed', why });
  if (run.kind === 'broken') return failed(`no test ran: ${run.why}`);
  const what = test === undefined ? `any test of ${tests?.join(', ')}` : `"${test}"`;
  if (run.passed.length + run.failed.length === 0) return failed(`${what} does not exist`);
  if (!run.patched) return failed(`${what} does not load ${filesOf(edits)}`);
  const unmeant = run.failed.find(({ error }) => isUnmeant(error));
  if (unmeant !== undefined) return failed(`the patch breaks the source: ${unmeant.error}`);
  const named = run.failed.find(({ fullTitle }) => fullTitle.endsWith(test ?? ''));
  if (named !== undefined) return { kind: 'noticed', by: named.fullTitle, error: named.error };
  const [other] = run.failed;
  if (other !== undefined) return failed(`${what} does not fail, but ${other.fullTitle}: ${other.error}`);
  return failed(`the guard is off, and ${what} passes all the same`);
}

/** Switches one guard off and runs seed after seed until one breaks something; `undefined` where it has no say. */
export async function searchPatch(patch: Patch, limits: SearchLimits = {}): Promise<SimulatorVerdict | undefined> {
  const why = misfit(patch);
  if (why !== undefined) return { kind: 'failed', why };
  if (!isSimulated(patch.edits)) return undefined;
  const most = patch.unseen === undefined ? {} : { limitMs: UNSEEN_SEARCH_MS };
  return simulatorVerdictOf(patch, await runSimulator(patch.edits, { ...most, ...limits }));
}

export function simulatorVerdictOf({ edits, unseen }: Patch, run: SimulatorRun): SimulatorVerdict {
  const failed = (why: string): SimulatorVerdict => ({ kind: 'failed', why });
  if (run.kind === 'broken') return failed(`the simulator did not come to its end: ${run.why}`);
  if (!run.patched) return failed(`the simulator does not load ${filesOf(edits)}`);
  const { search } = run;
  if (search.kind === 'green') {
    if (unseen !== undefined) return { kind: 'unseen', why: unseen, seeds: search.seeds };
    return failed(`the guard is off, and ${search.seeds} seeds are green all the same`);
  }
  const { seed, system, story, violation } = search;
  if (isUnmeant(violation)) return failed(`the patch breaks the source: ${violation}`);
  return { kind: 'found', seed, system, violation, story };
}

/** With nothing patched the tests of all these patches must pass. What is wrong, one line each. */
export async function tryNone(all: readonly Patch[]): Promise<readonly string[]> {
  const patches = all.filter((patch) => hasTests(patch) && misfit(patch) === undefined);
  if (patches.length === 0) return [];
  const run = await runMocha(testFiles(patches), titled(patches), []);
  if (run.kind === 'broken') return [run.why];
  const unseen = patches.filter(({ test }) => test !== undefined && !run.passed.some((title) => title.endsWith(test)));
  return [
    ...run.failed.map(({ fullTitle, error }) => `fails with nothing patched: ${fullTitle}: ${error}`),
    ...unseen.map(({ id, test }) => `${id}: no test "${test}" passes with nothing patched`),
  ];
}

/** With nothing patched this many seeds must be green; they are run in two halves. What is wrong, one line each. */
export async function searchNone(seeds: number): Promise<readonly string[]> {
  const half = Math.ceil(seeds / 2);
  const halves = [
    { firstSeed: 1, seeds: half },
    { firstSeed: half + 1, seeds: seeds - half },
  ];
  const problems = await Promise.all(
    halves.map(async (limits) => {
      const run = await runSimulator([], limits);
      if (run.kind === 'broken') return [`the simulator did not come to its end: ${run.why}`];
      if (run.search.kind === 'found') return [`seed ${run.search.seed} is red: ${run.search.violation}`];
      return run.search.seeds < limits.seeds ? [`only ${run.search.seeds} of ${limits.seeds} seeds were run`] : [];
    }),
  );
  return problems.flat();
}

function isUnmeant(error: string): boolean {
  return NOT_MEANT.test(error) || FELL_OVER.test(error);
}

function filesOf(edits: readonly Edit[]): string {
  return [...new Set(edits.map(({ file }) => file))].join(', ');
}

function testFiles(patches: readonly Patch[]): readonly string[] {
  const files = new Set(patches.flatMap(testFilesOf));
  return [...files].map((file) => relative(join(ROOT, 'test'), join(ROOT, file)));
}

/** Fits the ends of the full titles that are named; all tests where some patch names none. */
function titled(patches: readonly Patch[]): RegExp {
  const titles = patches.map(({ test }) => test?.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') ?? '');
  return new RegExp(`(?:${titles.join('|')})$`);
}
