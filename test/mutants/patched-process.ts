import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/project-root.js';
import type { Edit } from './patch.js';

/** What a process has said that ran with patched sources. */
export interface PatchedRun {
  /** What it wrote to the file it was given; `undefined`: nothing. */
  readonly report: string | undefined;
  /** The last of what it wrote to its standard error, and how it ended. */
  readonly errors: string;
  /** All the patched files were loaded. */
  readonly patched: boolean;
}

const KEPT_OUTPUT_CHARACTERS = 2_000;
const PREFER_SOURCES = [
  '--import',
  './support/prefer-import.mjs',
  '--import',
  'tsx',
  '--conditions',
  '@holdfast/source',
];

/** Processes that it starts are to be patched as well: what was built is not. */
const SOURCES_EVERYWHERE = { BUILT: '' };

/**
 * Runs a script below `test` in a process of its own, in which sources are patched as they are loaded. `args` is told the
 * file its report is wanted in.
 */
export async function runPatched(
  edits: readonly Edit[],
  args: (report: string) => readonly string[],
  limitMs: number,
): Promise<PatchedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-mutant-'));
  try {
    const mutant = join(folder, 'mutant.json');
    const log = join(folder, 'patched');
    const report = join(folder, 'report.json');
    const located = edits.map((edit) => ({ ...edit, file: join(ROOT, edit.file) }));
    const url = pathToFileURL(join(import.meta.dirname, 'patching-hooks.mjs')).href;
    await writeFile(mutant, JSON.stringify({ url, edits: located, log }));
    const errors = await run(mutant, args(report), limitMs);
    const loaded = existsSync(log) ? await readFile(log, 'utf8') : '';
    return {
      report: existsSync(report) ? await readFile(report, 'utf8') : undefined,
      errors: errors.slice(-KEPT_OUTPUT_CHARACTERS).trim(),
      patched: located.every(({ file }) => loaded.includes(`${file}\n`)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(mutant: string, args: readonly string[], limitMs: number): Promise<string> {
  const patching = pathToFileURL(join(import.meta.dirname, 'patch-on-load.mjs')).href;
  const child = spawn(process.execPath, [...PREFER_SOURCES, ...args], {
    cwd: join(ROOT, 'test'),
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      ...SOURCES_EVERYWHERE,
      HOLDFAST_MUTANT: mutant,
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${patching}`,
    },
  });
  const overdue = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const [errors, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  clearTimeout(overdue);
  return `${errors}\nthe process ended with ${code ?? signal}`;
}
