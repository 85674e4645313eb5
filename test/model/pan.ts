import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/project-root.js';
import type { Variant } from './variants.js';

const MODELS = join(ROOT, 'test/model');
const SCRATCH = join(ROOT, 'build/model');

/** Bounds of one search. */
export const MAX_SECONDS = 300;
export const MAX_MEGABYTES = 4_000;
const MAX_DEPTH = 1_000_000;
/** 2^25 places: enough for what the models have, and 256 MB. */
const HASH_BITS = 25;

/** What came of one search. */
export interface Search {
  readonly states: number;
  /** The longest path; from a search by breadth the longest of the shortest paths. */
  readonly depth: number;
  readonly errors: number;
  /** Every state that can be reached was looked at. */
  readonly exhaustive: boolean;
  readonly seconds: number;
  readonly megabytes: number;
  /** The steps to the first violation, in words. */
  readonly counterexample: readonly string[];
}

/** Generates, compiles and runs the search of one variant; rejects if any of that cannot be done. */
export async function search(variant: Variant): Promise<Search> {
  const folder = join(SCRATCH, variant.id);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const model = join(MODELS, `${variant.model}.pml`);
  const defines = definesOf(variant);
  run('spin', ['-a', ...defines, model], folder);
  const options = ['-O2', '-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${MAX_MEGABYTES}`];
  if (variant.search === 'breadth') options.push('-DBFS');
  run('gcc', [...options, '-w', '-o', 'pan', 'pan.c'], folder);
  const output = await runPan(folder);
  writeFileSync(join(folder, 'pan.txt'), output);
  const found = readOutput(output);
  const trail = join(folder, `${variant.model}.pml.trail`);
  const told = existsSync(trail) ? run('spin', ['-DWORDS', ...defines, '-t', '-k', trail, model], folder) : '';
  return { ...found, counterexample: storyOf(told) };
}

export function definesOf({ sizes, without }: Variant): readonly string[] {
  const rule = without === undefined ? [] : [`-DBREAK_${without}`];
  return [...Object.entries(sizes).map(([name, size]) => `-D${name}=${size}`), ...rule];
}

function run(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
    });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? `\n${error.stdout}` : '';
    throw new Error(`${program} ${args.join(' ')} failed: ${error}${output.slice(0, 2_000)}`);
  }
}

/** What pan prints; it ends by itself when its memory is used up, and is ended when its time is. */
function runPan(folder: string): Promise<string> {
  const args = ['-n', '10', './pan', '-E', `-m${MAX_DEPTH}`, `-w${HASH_BITS}`];
  const pan = spawn('nice', args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MAX_SECONDS * 1_000,
    // Lets it say how far it came.
    killSignal: 'SIGINT',
  });
  const endIt = (): void => void pan.kill('SIGKILL');
  process.once('exit', endIt);
  const chunks: string[] = [];
  for (const stream of [pan.stdout, pan.stderr]) stream.on('data', (chunk) => chunks.push(String(chunk)));
  return new Promise((resolve, reject) => {
    pan.once('error', reject);
    pan.once('close', (_code, signal) => {
      process.off('exit', endIt);
      resolve(chunks.join('') + (signal === null ? '' : `\nended by ${signal}: not completed`));
    });
  });
}

/** Reads what pan prints at its end. A search that was cut short, for whatever reason, says so or lacks its last lines. */
export function readOutput(output: string): Omit<Search, 'counterexample'> {
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const errors = number(/errors: (\d+)/);
  const cut = /not completed|too small|MEMLIM|out of memory|interrupted|truncated/i.test(output);
  return {
    states: number(/^\s*([\d.e+]+) states, stored/m),
    depth: number(/depth reached (\d+)/),
    errors,
    exhaustive: errors === 0 && !cut,
    seconds: number(/elapsed time ([\d.e+-]+)/),
    megabytes: Math.round(number(/([\d.]+)\s+total actual memory usage/)),
  };
}

/** The lines of the replay that the models mark, up to the violation. */
function storyOf(replay: string): readonly string[] {
  const lines = [...replay.matchAll(/@ (.*)/g)].map(([, line = '']) => line.trim());
  const end = lines.findIndex((line) => line.startsWith('VIOLATED'));
  return end < 0 ? lines : lines.slice(0, end + 1);
}
