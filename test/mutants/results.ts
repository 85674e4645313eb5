import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../support/markdown-table.js';
import { ROOT } from '../support/project-root.js';
import type { Patch } from './patch.js';
import { isSimulated } from './simulator-run.js';

/** What the simulator has found with one guard off. */
export interface Found {
  readonly seed: number;
  readonly system: string;
  readonly violation: string;
  readonly story: readonly string[];
}

/** With the guard off this many seeds were green. */
export interface Green {
  readonly greenSeeds: number;
}

export type Result = Found | Green;

/** The last run of the whole table. */
export interface Results {
  readonly date: string;
  readonly commit: string;
  /** Of the sources as they were when a patch was tried by itself later on, no account is kept. */
  readonly tookSeconds: number;
  /** So many seeds were green with nothing patched. */
  readonly greenSeeds: number;
  readonly results: Readonly<Record<string, Result>>;
}

const PATH = join(ROOT, 'test/mutants/results.json');
const NONE: Results = { date: '', commit: '', tookSeconds: 0, greenSeeds: 0, results: {} };

export function readResults(): Results {
  return existsSync(PATH) ? (JSON.parse(readFileSync(PATH, 'utf8')) as Results) : NONE;
}

export function writeResults(results: Results): void {
  writeFileSync(PATH, `${JSON.stringify(results, undefined, 2)}\n`);
}

/** The table of some patches as `docs/evidence.md` has it. */
export function evidenceTable(patches: readonly Patch[], { results }: Results): string {
  const rows = patches.map((patch) => [
    `\`${patch.id}\``,
    patch.title,
    [...new Set(patch.edits.map(({ file }) => `\`${file}\``))].join(', '),
    ...foundIn(patch, results[patch.id]),
    patch.test === undefined ? '' : `“${patch.test}”`,
  ]);
  return markdownTable(['Patch', 'Guard', 'Switched off in', 'Seeds', 'What breaks', 'Test that fails'], rows);
}

/** What the document says of the last run of the whole table: a paragraph of its own. */
export function runLine({ date, commit, tookSeconds, greenSeeds }: Results): string {
  const minutes = `${(tookSeconds / 60).toFixed(1)} minutes`;
  return `The whole table was run on ${date} at commit ${commit}, in ${minutes}; ${greenSeeds} seeds were green with nothing patched.`;
}

/** How many seeds it took, and what broke. */
function foundIn(patch: Patch, result: Result | undefined): readonly [string, string] {
  if (!isSimulated(patch.edits)) return ['', ''];
  if (result === undefined) return ['not run', ''];
  if ('seed' in result) return [String(result.seed), `${guaranteeOf(result)} (${result.system})`];
  return [`none of ${result.greenSeeds}`, patch.unseen ?? ''];
}

function guaranteeOf({ violation }: Found): string {
  return violation.split(' at ', 1).join('');
}

/** The page of histories: what each guard that is off leads to, as short as it was found. */
export function historiesPage(patches: readonly Patch[], { results }: Results): string {
  const sections = patches.flatMap(({ id, title }) => {
    const result = results[id];
    if (result === undefined || !('seed' in result)) return [];
    const { seed, story } = result;
    return [`## ${id}\n\nWithout the guard that ${title}: seed ${seed}.\n\n\`\`\`text\n${story.join('\n')}\n\`\`\`\n`];
  });
  const head = [
    '# What becomes of a guard that is off',
    '',
    'For each guard that the simulator misses, the first seed that shows it and what happened there, in milliseconds of true',
    'time. Written by `make mutants RECORD=1`; [evidence.md](evidence.md) has the tables.',
    '',
  ];
  return [...head, ...sections].join('\n');
}
