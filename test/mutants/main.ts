/**
 * Switches every guard off, one at a time, and shows which test notices. Arguments: files of patches, from the root;
 * default: all of `required` and `further`. Exits with 0 only if every patch applies and its test fails.
 */
import { resolve } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { type Patch, patchesOf, readPatch } from './patch.js';
import { tryAll, tryNone, type Verdict } from './verdict.js';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function show({ id, title }: Patch, verdict: Verdict, tookMs: number): Verdict {
  const took = `${(tookMs / 1_000).toFixed(1)} s`;
  if (verdict.kind === 'noticed') say(`${id}: ${title}\n  fails: ${verdict.by}  ${took}\n  ${verdict.error}`);
  else say(`${id}: ${title}\n  NOT SHOWN  ${took}\n  ${verdict.why}`);
  return verdict;
}

function chosen(paths: readonly string[]): readonly Patch[] {
  if (paths.length === 0) return [...patchesOf('required'), ...patchesOf('further')];
  return paths.map((path) => readPatch(resolve(ROOT, path)));
}

async function run(patches: readonly Patch[]): Promise<boolean> {
  const verdicts = await tryAll(patches, show);
  const noticed = verdicts.filter(({ kind }) => kind === 'noticed').length;
  const problems = await tryNone(patches);
  for (const problem of problems) say(problem);
  if (problems.length === 0) say('with nothing patched all of these tests pass');
  say(`${noticed} of ${patches.length} guards are missed by a test when they are off`);
  return noticed === patches.length && problems.length === 0;
}

try {
  process.exitCode = (await run(chosen(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`mutants: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
