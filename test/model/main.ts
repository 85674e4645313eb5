import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { ROOT } from '../support/project-root.js';
import { search } from './pan.js';
import { provideSpin } from './provide-spin.js';
import { type Result, record, unexpected } from './results.js';
import { VARIANTS, type Variant } from './variants.js';

try {
  process.exitCode = (await check(chosen(process.env['VARIANTS'] ?? ''))) ? 0 : 1;
} catch (error) {
  console.error(`model: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** Searches one variant after the other, and writes down what came of each at once. */
async function check(variants: readonly Variant[]): Promise<boolean> {
  const { spin } = provideSpin();
  const about = { date: new Date().toISOString().slice(0, 10), commit: commit(), machine: machine(), spin };
  let failed = 0;
  for (const variant of variants) {
    const found = await search(variant);
    const result: Result = { ...found, ...about };
    record({ [variant.id]: result });
    const problem = unexpected(variant, found);
    if (problem !== undefined) failed += 1;
    console.log(lineOf(variant, result, problem));
    if (found.errors > 0) console.log(found.counterexample.map((step) => `    ${step}`).join('\n'));
  }
  console.log(`${variants.length - failed} as expected, ${failed} not; see docs/model.md`);
  return failed === 0;
}

function lineOf({ id, expected }: Variant, result: Result, problem: string | undefined): string {
  const { states, depth, exhaustive, seconds, megabytes } = result;
  const sizes = `${states} states, depth ${depth}, ${exhaustive ? 'exhaustive, ' : ''}${seconds} s, ${megabytes} MB`;
  return `${problem === undefined ? 'ok' : 'FAILED'}  ${id} ${expected}: ${problem ?? 'as expected'} (${sizes})`;
}

function chosen(names: string): readonly Variant[] {
  const wanted = names.split(',').filter((name) => name !== '');
  const unknown = wanted.filter((name) => !VARIANTS.some(({ id }) => id === name));
  if (unknown.length > 0) {
    throw new Error(`VARIANTS has ${unknown.join(', ')}; there are: ${VARIANTS.map(({ id }) => id).join(', ')}`);
  }
  return wanted.length === 0 ? VARIANTS : VARIANTS.filter(({ id }) => wanted.includes(id));
}

function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${model}, ${processors.length} processors, ${Math.round(totalmem() / 1e9)} GB`;
}

/** The commit, with `-dirty` when the models or this program differ from it. */
function commit(): string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'test/model', ':!test/model/results');
  return git('rev-parse', '--short=12', 'HEAD') + (changed === '' ? '' : '-dirty');
}
