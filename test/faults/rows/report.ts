import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../../support/markdown-table.js';
import { ROOT } from '../../support/project-root.js';
import type { Recorded } from './results.js';
import type { ControlResult, Row } from './row.js';

const PAGE = join(ROOT, 'docs/evidence.md');
const BEGIN = '<!-- faults: written by make faults -->';
const END = '<!-- faults end -->';
const HEAD = ['Row', 'Fault', 'State', 'Figure', 'Control', 'Commit, date'];

/** The table of all rows, with the machines and the commits they were run on. */
export function faultTable(rows: readonly Row[], results: Readonly<Record<string, Recorded>>): string {
  const recorded = rows.flatMap(({ id }) => results[id] ?? []);
  const machines = new Set(recorded.map(({ machine }) => machine));
  const commits = new Set(recorded.map(({ commit }) => commit));
  const mixed = commits.size > 1 ? `, at ${commits.size} commits: each row says which` : '';
  const where = [...machines].map((machine) => `Run on ${machine}${mixed}.\n`).join('');
  return `${where}\n${markdownTable(
    HEAD,
    rows.map((row) => cells(row, results[row.id]).map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '))),
  )}`;
}

function cells(row: Row, recorded: Recorded | undefined): readonly string[] {
  const { id, title } = row;
  if (row.kind === 'waiting') return [id, title, row.why, '', '', ''];
  if (recorded === undefined) return [id, title, 'to be run again', '', '', ''];
  const { result, commit, date } = recorded;
  const scope = row.kind === 'tested' ? `; ${row.scope}` : '';
  const when = `${commit}, ${date}`;
  if (result.kind === 'broken') return [id, title, '**broken**', `${result.why.slice(0, 200)}${scope}`, '', when];
  if (result.kind === 'not_run') return [id, title, 'not run', result.why, '', when];
  return [id, title, 'held', `${result.figure}${scope}`, inWords(result.control), when];
}

function inWords({ violations, without }: ControlResult): string {
  return `${violations} violation${violations === 1 ? '' : 's'} without ${without}`;
}

/** Puts the table into the page, between its markers. */
export function writeReport(rows: readonly Row[], results: Readonly<Record<string, Recorded>>): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no markers for the table of faults`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${faultTable(rows, results)}\n\n${END}${after}`);
}
