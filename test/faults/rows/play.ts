import { join } from 'node:path';
import { runMocha } from '../../mutants/mocha-run.js';
import { type Control, type Outcome, Stage } from '../harness/stage.js';
import type { PlayedRow, TestedRow } from './row.js';

/** Plays a row once, in this process, with the guards of its control off if one is given. */
export async function play(row: PlayedRow, folder: string, control?: Control): Promise<Outcome> {
  const stage = new Stage(join(folder, control === undefined ? 'run' : 'control'), control);
  try {
    let figure: Awaited<ReturnType<PlayedRow['play']>> = () => '';
    let failure: unknown;
    try {
      figure = await row.play(stage);
    } catch (error) {
      failure = error;
    }
    const judgement = await stage.finish().catch((error: unknown) => {
      // What failed first says more.
      throw failure ?? error;
    });
    // What goes wrong without a guard may go wrong so that the run does not reach its end.
    const isBroken = judgement.violations.some((violation) => control?.breaks.test(violation));
    if (failure !== undefined && !isBroken) throw failure;
    return { violations: judgement.violations, figure: figure(judgement.figures) };
  } finally {
    await stage.end();
  }
}

/** On a loaded machine some of them take more than a minute. */
const TESTS_MS = 150_000;

/** Runs the tests that are a row; each that fails is a violation. */
export async function runTests(row: TestedRow, control?: Control): Promise<Outcome> {
  const run = await runMocha(row.files, row.grep ?? new RegExp(`\\b${row.id}: `), control?.edits ?? [], TESTS_MS);
  if (run.kind === 'broken') throw new Error(run.why);
  const tests = run.passed.length + run.failed.length;
  if (tests === 0) throw new Error(`${row.files.join(', ')}: no test of ${row.id}`);
  if (control !== undefined && !run.patched) throw new Error('the tests do not load what the control patches');
  const violations = run.failed.map(({ fullTitle, error }) => `${fullTitle}: ${error}`);
  return { violations, figure: `${tests} test${tests === 1 ? '' : 's'} pass` };
}
