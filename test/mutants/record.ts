import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { type Patch, patchesOf } from './patch.js';
import {
  evidenceTable,
  historiesPage,
  type Result,
  type Results,
  readResults,
  runLine,
  writeResults,
} from './results.js';
import type { SimulatorVerdict } from './verdict.js';

const EVIDENCE = join(ROOT, 'docs/evidence.md');
const HISTORIES = join(ROOT, 'docs/evidence-histories.md');

/** Keeps what came of some patches, and brings the documents up to date. A run of all of them forgets what was before. */
export function record(
  run: Pick<Results, 'tookSeconds' | 'greenSeeds'>,
  tried: readonly { readonly patch: Patch; readonly simulator: SimulatorVerdict | undefined }[],
): void {
  const required = patchesOf('required');
  const further = patchesOf('further');
  const all = [...required, ...further];
  const before = readResults();
  const fresh = tried.flatMap(({ patch, simulator }) => {
    const result = resultOf(simulator);
    return result === undefined ? [] : [[patch.id, result] as const];
  });
  const isWhole = tried.length >= all.length;
  const merged = new Map<string, Result>([...(isWhole ? [] : Object.entries(before.results)), ...fresh]);
  const ids = all.map(({ id }) => id).sort();
  const results = Object.fromEntries(ids.flatMap((id) => (merged.has(id) ? [[id, merged.get(id) as Result]] : [])));
  const about = isWhole ? { ...run, date: new Date().toISOString().slice(0, 10), commit: head() } : before;
  const now: Results = { ...about, results };
  writeResults(now);
  writeFileSync(HISTORIES, historiesPage(all, now));
  const page = readFileSync(EVIDENCE, 'utf8');
  const withRequired = withTable(page, '## Tried with every run of the suite', evidenceTable(required, now));
  const withTables = withTable(withRequired, '## Tried by `make mutants`', evidenceTable(further, now));
  writeFileSync(EVIDENCE, withTables.replace(/^The whole table was run on.*$/m, runLine(now)));
}

function resultOf(verdict: SimulatorVerdict | undefined): Result | undefined {
  if (verdict?.kind === 'unseen') return { greenSeeds: verdict.seeds };
  if (verdict?.kind !== 'found') return undefined;
  const { seed, story, system, violation } = verdict;
  return { seed, system, violation, story };
}

/** Puts a table in the place of the first one below a heading. */
function withTable(page: string, heading: string, table: string): string {
  const at = page.indexOf(`\n${heading}\n`);
  const begin = page.indexOf('\n|', at) + 1;
  if (at < 0 || begin === 0) throw new Error(`there is no table below "${heading}"`);
  const rest = page.slice(begin);
  const end = rest.search(/\n(?!\|)/);
  return page.slice(0, begin) + table + rest.slice(end);
}

function head(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
}
