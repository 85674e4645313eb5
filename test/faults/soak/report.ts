import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { microseconds } from '../../history/terms.js';
import { markdownTable } from '../../support/markdown-table.js';
import { ROOT } from '../../support/project-root.js';
import { type LeakRow, leaksOf } from './leaks.js';
import type { RecordedSoak, Soaks } from './result.js';

const PAGE = join(ROOT, 'docs/evidence.md');
const BEGIN = '<!-- soak: written by make soak -->';
const END = '<!-- soak end -->';

/** Heads and rows: one for each thing, with what was found at each place. */
export function leakTable(rows: readonly LeakRow[]): [readonly string[], readonly (readonly string[])[]] {
  const things = [...new Set(rows.map(({ what }) => what))];
  const merged = things.map((what) => {
    const of = rows.filter((row) => row.what === what);
    const verdicts = of.map(({ verdict }) => verdict);
    const worst = (['leaks', 'unsaid'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'kept';
    return [what, list(of.map(({ found }) => found)), list(of.map(({ allowed }) => allowed)), WORDS[worst]];
  });
  return [['Left at the end', 'Found', 'Allowed', 'Verdict'], merged];
}

const WORDS: Readonly<Record<LeakRow['verdict'], string>> = {
  kept: 'no leak',
  leaks: '**leaks**',
  unsaid: 'too short a run to say',
};

/** Once if it is the same everywhere. */
function list(values: readonly string[]): string {
  return new Set(values).size === 1 ? (values[0] ?? '') : values.join(' · ');
}

/** The latest run over each store, and what it left. */
export function soakTables(soaks: Soaks): string {
  const runs = Object.entries(soaks);
  const heads = [
    'Store',
    'Seed',
    'Minutes',
    'Rounds, faults',
    'Figures',
    'Violations',
    'Leaks',
    'Control',
    'Commit, date, machine',
  ];
  const table = markdownTable(
    heads,
    runs.map(([store, soak]) => cells(store, soak)),
  );
  const left = runs.map(
    ([store, { leaks }]) => `After the run over \`${store}\`:\n\n${markdownTable(...leakTable(leaks))}`,
  );
  return [table, ...left].join('\n\n');
}

function cells(store: string, soak: RecordedSoak): readonly string[] {
  const { seed, minutes, rounds, strikes, figures, violations, leaks, failure, control, commit, date, machine } = soak;
  const faults = Object.values(strikes).reduce((sum, count) => sum + count, 0);
  const { grants, overlapMs, recoveryMs } = figures;
  const recovery = recoveryMs === undefined ? '' : `, longest recovery ${microseconds(recoveryMs)}`;
  const broken = failure === undefined ? '' : '; **did not come to its end**';
  return [
    `\`${store}\``,
    String(seed),
    String(minutes),
    `${rounds}, ${faults}`,
    `${grants} grants, overlap ${microseconds(overlapMs)}${recovery}`,
    `${violations.length}${broken}`,
    String(leaksOf(leaks).length),
    control === undefined ? '**nothing found**' : `${control.violations} violations without ${control.without}`,
    `${commit}, ${date}, ${machine}`,
  ];
}

/** Puts the tables into the page, between their markers. */
export function writeSoakReport(soaks: Soaks): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no markers for what soaks find`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${soakTables(soaks)}\n\n${END}${after}`);
}
