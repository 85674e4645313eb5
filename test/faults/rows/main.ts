/**
 * `make faults`: runs the rows of the table of faults, one after another, each in a group of processes of its own that is ended
 * as a whole. ROWS=A,C5 chooses: a letter stands for all of its rows. A run that was interrupted goes on where it was.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitText } from '../../bench/machine.js';
import { ROOT } from '../../support/project-root.js';
import { OwnGroup } from '../harness/own-group.js';
import { ROWS } from './catalog.js';
import { writeReport } from './report.js';
import { latestResults, machineText, Run, record } from './results.js';
import { type Row, type RowResult, seconds } from './row.js';

const MAIN = fileURLToPath(new URL('./row-main.ts', import.meta.url));
const FOLDER = join(ROOT, 'build/faults');
/** Temporary files of everything that is started. */
const TEMPORARY = join(FOLDER, 'tmp');
const LIMIT_MS = 320_000;
const selection = process.env['ROWS'] ?? '';
const commit = commitText();
const machine = machineText();
/** What is run there is shown, and not written down: nobody else could run the same. */
const isDirty = commit.endsWith('-dirty');
const group = new OwnGroup<RowResult>(TEMPORARY);

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function isChosen({ id }: Row): boolean {
  if (selection === '') return true;
  return selection.split(',').some((wanted) => wanted === id || (/^[A-Z]$/.test(wanted) && id.startsWith(wanted)));
}

async function run(row: Row): Promise<RowResult> {
  const folder = join(FOLDER, row.id);
  rmSync(folder, { recursive: true, force: true });
  const limitMs = row.kind === 'played' ? (row.limitMs ?? LIMIT_MS) : LIMIT_MS;
  const startMs = performance.now();
  let result: RowResult | undefined;
  await group.run(MAIN, [row.id, folder], limitMs, (told) => {
    result = told;
  });
  const tookMs = Math.round(performance.now() - startMs);
  return result ?? { kind: 'broken', why: `not done after ${seconds(tookMs)}`, tookMs };
}

function show({ id, title }: Row, result: RowResult): void {
  const took = seconds(result.tookMs);
  if (result.kind !== 'held') {
    say(`${id}: ${title}\n  ${result.kind === 'broken' ? 'BROKEN' : 'not run'}  ${took}\n  ${result.why}`);
    return;
  }
  say(`${id}: ${title}\n  held  ${took}\n  ${result.figure}`);
  const { control } = result;
  say(`  control: ${control.violations} violations without ${control.without}\n    ${control.first}`);
}

const chosen = ROWS.filter(isChosen);
const runnable = chosen.filter(({ kind }) => kind !== 'waiting');
if (chosen.length === 0) say(`no row is called ${selection}; there are ${ROWS.map(({ id }) => id).join(', ')}`);
const progress = new Run(selection, commit);
let broken = 0;
let notRun = 0;
for (const row of runnable) {
  if (progress.isDone(row.id)) {
    say(`${row.id}: done before the interruption`);
    continue;
  }
  const result = await run(row);
  show(row, result);
  if (result.kind === 'broken') broken += 1;
  if (result.kind === 'not_run') notRun += 1;
  if (!isDirty) {
    record(row.id, { result, commit, date: new Date().toISOString().slice(0, 10), machine });
    writeReport(ROWS, latestResults());
  }
  progress.done(row.id);
}
progress.finished();
if (isDirty) say(`no result was written down: files differ from commit ${commit}`);
else writeReport(ROWS, latestResults());
for (const row of chosen) if (row.kind === 'waiting') say(`${row.id}: ${row.title}: ${row.why}`);
say(`${runnable.length - broken - notRun} of ${runnable.length} rows held, ${notRun} could not be run here`);
process.exitCode = broken === 0 && chosen.length > 0 ? 0 : 1;
