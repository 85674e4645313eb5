/**
 * Switches every guard off, one at a time, and shows who notices: the simulator, and a test if the patch names one.
 * Arguments: files of patches, from the root; default: all of `required` and `further`. `--record` has the results written
 * down, with the tables of the documents. `--mended` brings back bugs instead, by default all of `mended`; their tests alone
 * are asked. Exits with 0 only if every patch applies and is noticed, and everything is green with nothing patched.
 */
import { resolve } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { hasTests, type Patch, patchesOf, readPatch } from './patch.js';
import { record } from './record.js';
import { readResults } from './results.js';
import { isSimulated, MOST_SEEDS } from './simulator-run.js';
import { twoAtATime } from './two-at-a-time.js';
import { type SimulatorVerdict, searchNone, searchPatch, tryNone, tryPatch, type Verdict } from './verdict.js';

/** What came of one patch; `undefined`: nobody was asked. */
interface Tried {
  readonly patch: Patch;
  readonly test: Verdict | undefined;
  readonly simulator: SimulatorVerdict | undefined;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function chosen(paths: readonly string[], isMended: boolean): readonly Patch[] {
  if (paths.length > 0) return paths.map((path) => readPatch(resolve(ROOT, path)));
  return isMended ? patchesOf('mended') : [...patchesOf('required'), ...patchesOf('further')];
}

async function attempt(patch: Patch, isMended: boolean, records: boolean): Promise<Tried> {
  const startMs = performance.now();
  const simulator = isMended ? undefined : await searchPatch(patch, { shortens: records });
  // A guard that nobody is asked about has not been shown to be needed.
  const test = hasTests(patch) || !isSimulated(patch.edits) ? await tryPatch(patch) : undefined;
  const took = `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
  say([`${patch.id}: ${patch.title}  ${took}`, ...told(simulator), ...toldOf(test)].join('\n  '));
  return { patch, test, simulator };
}

function told(verdict: SimulatorVerdict | undefined): readonly string[] {
  switch (verdict?.kind) {
    case undefined:
      return [];
    case 'found':
      return [`seed ${verdict.seed} (${verdict.system}): ${verdict.violation.split('\n', 1).join('')}`];
    case 'unseen':
      return [`${verdict.seeds} seeds are green: ${verdict.why}`];
    case 'failed':
      return [`NOT SHOWN by the simulator: ${verdict.why}`];
  }
}

function toldOf(verdict: Verdict | undefined): readonly string[] {
  if (verdict === undefined) return [];
  if (verdict.kind === 'noticed') return [`fails: ${verdict.by}: ${verdict.error}`];
  return [`NOT SHOWN by its test: ${verdict.why}`];
}

function isNoticed({ simulator, test }: Tried): boolean {
  return simulator?.kind !== 'failed' && test?.kind !== 'failed';
}

/** As long as it took the last time, so that in the end none is waited for alone. */
function longestFirst(patches: readonly Patch[]): readonly Patch[] {
  const { results } = readResults();
  const effort = ({ id }: Patch): number => {
    const result = results[id];
    if (result === undefined) return MOST_SEEDS;
    return 'seed' in result ? result.seed : result.greenSeeds;
  };
  return [...patches].sort((left, right) => effort(right) - effort(left));
}

async function run(patches: readonly Patch[], records: boolean, isMended: boolean): Promise<boolean> {
  const startMs = performance.now();
  const tried = await twoAtATime(longestFirst(patches), (patch) => attempt(patch, isMended, records));
  const seeds = Math.max(0, ...tried.map(({ simulator }) => (simulator?.kind === 'found' ? simulator.seed : 0)));
  const problems = (await Promise.all([tryNone(patches), seeds > 0 ? searchNone(seeds) : []])).flat();
  for (const problem of problems) say(problem);
  if (problems.length === 0) say(`with nothing patched all of these tests pass, and ${seeds} seeds are green`);
  const tookSeconds = Math.round((performance.now() - startMs) / 1_000);
  const noticed = tried.filter(isNoticed).length;
  say(`${noticed} of ${patches.length} guards are missed when they are off; ${tookSeconds} s`);
  const isGood = noticed === patches.length && problems.length === 0;
  if (records) record({ tookSeconds, greenSeeds: seeds }, tried);
  return isGood;
}

const args = process.argv.slice(2);
const paths = args.filter((arg) => !arg.startsWith('--'));
try {
  const isMended = args.includes('--mended');
  process.exitCode = (await run(chosen(paths, isMended), args.includes('--record') && !isMended, isMended)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`mutants: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
