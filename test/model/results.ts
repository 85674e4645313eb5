import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../support/markdown-table.js';
import { ROOT } from '../support/project-root.js';
import type { Search } from './pan.js';
import { GROUPS, VARIANTS, type Variant } from './variants.js';

const RESULTS = join(ROOT, 'test/model/results/latest.json');
const PAGE = join(ROOT, 'docs/model.md');
const BEGIN = '<!-- results: begin -->';
const END = '<!-- results: end -->';

/** One search that was made: what came of it, when, of which sources, where. */
export interface Result extends Search {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly spin: string;
}

export type Results = Readonly<Record<string, Result>>;

export function readResults(): Results {
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
}

/** Keeps what came of some searches beside what is known of the others, and brings the page up to date. */
export function record(fresh: Results): void {
  const all = { ...readResults(), ...fresh };
  const known = VARIANTS.flatMap(({ id }) => (all[id] === undefined ? [] : [[id, all[id]] as const]));
  const results = Object.fromEntries(known);
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/model.md lacks ${BEGIN} … ${END}`);
  writeFileSync(PAGE, `${page.slice(0, begin + BEGIN.length)}\n\n${resultsText(results)}\n\n${page.slice(end)}`);
}

/** Why a search did not come out as it must; `undefined` if it did. */
export function unexpected({ expected }: Variant, result: Search): string | undefined {
  if (expected === 'breaks') return result.errors > 0 ? undefined : 'nothing is violated';
  if (result.errors > 0) return `violated: ${result.counterexample.at(-1)}`;
  return result.exhaustive ? undefined : 'not exhaustive';
}

/** The part of docs/model.md that comes from the results. */
export function resultsText(results: Results): string {
  const head = ['Variant', 'What it is', 'States', 'Depth', 'Outcome', 'Seconds'];
  const table = (variants: readonly Variant[]): string =>
    markdownTable(
      head,
      variants.map((variant) => row(variant, results[variant.id])),
    );
  const stories = GROUPS.broken.map((variant) => story(variant, results[variant.id]));
  return [
    `### The protocol as it is\n\n${table(GROUPS.sound)}`,
    `### One rule left out: broken\n\n${table(GROUPS.broken)}`,
    `### One rule left out: no violation\n\n${table(GROUPS.harmless)}`,
    about(results),
    `### Counterexamples\n\n${stories.join('\n\n')}`,
  ].join('\n\n');
}

function row({ id, says }: Variant, result: Result | undefined): readonly string[] {
  if (result === undefined) return [`\`${id}\``, says, '', '', 'not run', ''];
  const { states, depth, seconds } = result;
  return [`\`${id}\``, says, states.toLocaleString('en'), String(depth), outcome(result), seconds.toFixed(1)];
}

function outcome({ errors, exhaustive, counterexample }: Search): string {
  if (errors > 0) return (counterexample.at(-1) ?? 'violated').replace('VIOLATED: ', 'broken: ');
  return exhaustive ? 'holds, exhaustive' : 'nothing found, NOT exhaustive';
}

function about(results: Results): string {
  const runs = Object.values(results).map(
    ({ date, commit, machine, spin }) => `Run on ${date} of commit ${commit}: ${machine}, spin ${spin}.`,
  );
  return [...new Set(runs)].join('\n');
}

function story({ id, says }: Variant, result: Result | undefined): string {
  const steps = (result?.counterexample ?? []).map((step, index) => `${index + 1}. ${step}`);
  return [`#### \`${id}\`: ${says}`, steps.join('\n')].join('\n\n');
}
