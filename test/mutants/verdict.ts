import { join, relative } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { type MochaRun, runMocha } from './mocha-run.js';
import { misfit, type Patch, testFilesOf } from './patch.js';

/** Whether a guard is needed. */
export type Verdict =
  | { readonly kind: 'noticed'; readonly by: string; readonly error: string }
  /** The patch or its test is no good, or nothing failed. */
  | { readonly kind: 'failed'; readonly why: string };

/** Errors that say that the patch is not what it was meant to be: of Node, and of Lua in Redis. */
const NOT_MEANT = /^(Reference|Syntax)Error\b|\bError compiling script\b|\buser_script:\d+/;
const PARALLEL = 2;

/** Switches one guard off and runs its tests, which must fail. */
export async function tryPatch(patch: Patch): Promise<Verdict> {
  const why = misfit(patch);
  if (why !== undefined) return { kind: 'failed', why };
  return verdictOf(patch, await runMocha(testFiles([patch]), titled([patch]), [patch]));
}

export function verdictOf({ file, test, tests }: Patch, run: MochaRun): Verdict {
  const failed = (why: string): Verdict => ({ kind: 'failed', why });
  if (run.kind === 'broken') return failed(`no test ran: ${run.why}`);
  const what = test === undefined ? `any test of ${tests?.join(', ')}` : `"${test}"`;
  if (run.passed.length + run.failed.length === 0) return failed(`${what} does not exist`);
  if (!run.patched) return failed(`${what} does not load ${file}`);
  const unmeant = run.failed.find(({ error }) => NOT_MEANT.test(error));
  if (unmeant !== undefined) return failed(`the patch breaks the source: ${unmeant.error}`);
  const named = run.failed.find(({ fullTitle }) => fullTitle.endsWith(test ?? ''));
  if (named !== undefined) return { kind: 'noticed', by: named.fullTitle, error: named.error };
  const [other] = run.failed;
  if (other !== undefined) return failed(`${what} does not fail, but ${other.fullTitle}: ${other.error}`);
  return failed(`the guard is off, and ${what} passes all the same`);
}

/** With nothing patched the tests of all these patches must pass. What is wrong, one line each. */
export async function tryNone(all: readonly Patch[]): Promise<readonly string[]> {
  const patches = all.filter((patch) => misfit(patch) === undefined);
  const run = await runMocha(testFiles(patches), titled(patches), []);
  if (run.kind === 'broken') return [run.why];
  const unseen = patches.filter(({ test }) => test !== undefined && !run.passed.some((title) => title.endsWith(test)));
  return [
    ...run.failed.map(({ fullTitle, error }) => `fails with nothing patched: ${fullTitle}: ${error}`),
    ...unseen.map(({ id, test }) => `${id}: no test "${test}" passes with nothing patched`),
  ];
}

/** Tries them two at a time; verdicts in the order of the patches. */
export async function tryAll<T>(
  patches: readonly Patch[],
  tried: (patch: Patch, verdict: Verdict, tookMs: number) => T,
): Promise<readonly T[]> {
  const results = new Map<Patch, T>();
  const waiting = [...patches];
  const work = async (): Promise<void> => {
    for (let patch = waiting.shift(); patch !== undefined; patch = waiting.shift()) {
      const startMs = performance.now();
      const verdict = await tryPatch(patch);
      results.set(patch, tried(patch, verdict, performance.now() - startMs));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return patches.flatMap((patch) => results.get(patch) ?? []);
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
