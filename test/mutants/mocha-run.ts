import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/project-root.js';
import type { Patch } from './patch.js';

/** A run that takes longer hangs. */
const RUN_MS = 60_000;
const KEPT_OUTPUT_CHARACTERS = 2_000;

export interface FailedTest {
  readonly fullTitle: string;
  readonly error: string;
}

/** What became of some tests in a process of their own. */
export type MochaRun =
  | {
      readonly kind: 'ran';
      /** Full titles. */
      readonly passed: readonly string[];
      readonly failed: readonly FailedTest[];
      /** The patched files were loaded. */
      readonly patched: boolean;
    }
  /** No test ran to its end. */
  | { readonly kind: 'broken'; readonly why: string };

/** As Mocha's reporter `json` writes it. */
interface Report {
  readonly passes: readonly { readonly fullTitle: string }[];
  readonly failures: readonly {
    readonly fullTitle: string;
    readonly err: { readonly message?: string; readonly stack?: string };
  }[];
}

/** Runs the tests of `files` whose full title fits `grep`, with the sources patched as they are loaded. */
export async function runMocha(
  files: readonly string[],
  grep: RegExp,
  patches: readonly Pick<Patch, 'file' | 'original' | 'replacement'>[],
): Promise<MochaRun> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-mutant-'));
  try {
    const mutant = join(folder, 'mutant.json');
    const log = join(folder, 'patched');
    const report = join(folder, 'report.json');
    const edits = patches.map((patch) => ({ ...patch, file: join(ROOT, patch.file) }));
    const url = pathToFileURL(join(import.meta.dirname, 'patching-hooks.mjs')).href;
    await writeFile(mutant, JSON.stringify({ url, edits, log }));
    const output = await mocha(mutant, ['--reporter-option', `output=${report}`, '--grep', grep.source, ...files]);
    if (!existsSync(report)) return { kind: 'broken', why: output.slice(-KEPT_OUTPUT_CHARACTERS).trim() };
    const { passes, failures } = JSON.parse(await readFile(report, 'utf8')) as Report;
    const loaded = existsSync(log) ? await readFile(log, 'utf8') : '';
    return {
      kind: 'ran',
      passed: passes.map(({ fullTitle }) => fullTitle),
      failed: failures.map(({ fullTitle, err }) => ({ fullTitle, error: headline(err) })),
      patched: edits.every(({ file }) => loaded.includes(`${file}\n`)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first line says of which kind an error is. */
function headline({ stack, message }: Report['failures'][number]['err']): string {
  return (stack || message || 'no message').split('\n', 1).join('');
}

/** Neither the suite's reporter nor its watch for leaks: a test that fails may leave what it likes. */
async function mocha(mutant: string, args: readonly string[]): Promise<string> {
  const patching = pathToFileURL(join(import.meta.dirname, 'patch-on-load.mjs')).href;
  const child = spawn(
    process.execPath,
    [
      ...['--import', './support/prefer-import.mjs', '--import', 'tsx', '--conditions', '@holdfast/source'],
      join(ROOT, 'node_modules/mocha/bin/mocha.js'),
      ...['--no-config', '--no-package', '--exit', '--timeout', '10000', '--reporter', 'json', ...args],
    ],
    {
      cwd: join(ROOT, 'test'),
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        HOLDFAST_MUTANT: mutant,
        NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${patching}`,
      },
    },
  );
  const overdue = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  const [errors, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  clearTimeout(overdue);
  return `${errors}\nmocha ended with ${code ?? signal}`;
}
