import { join } from 'node:path';
import { ROOT } from '../support/project-root.js';
import type { Edit } from './patch.js';
import { runPatched } from './patched-process.js';

/** A run that takes longer hangs. */
const RUN_MS = 60_000;

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
  edits: readonly Edit[],
  limitMs = RUN_MS,
): Promise<MochaRun> {
  // Neither the suite's reporter nor its watch for leaks: a test that fails may leave what it likes.
  const { report, errors, patched } = await runPatched(
    edits,
    (path) => [
      join(ROOT, 'node_modules/mocha/bin/mocha.js'),
      ...['--no-config', '--no-package', '--exit', '--timeout', '10000', '--reporter', 'json'],
      ...['--reporter-option', `output=${path}`, '--grep', grep.source, ...files],
    ],
    limitMs,
  );
  if (report === undefined) return { kind: 'broken', why: errors };
  const { passes, failures } = JSON.parse(report) as Report;
  return {
    kind: 'ran',
    passed: passes.map(({ fullTitle }) => fullTitle),
    failed: failures.map(({ fullTitle, err }) => ({ fullTitle, error: headline(err) })),
    patched,
  };
}

/** The first line says of which kind an error is. */
function headline({ stack, message }: Report['failures'][number]['err']): string {
  return (stack || message || 'no message').split('\n', 1).join('');
}
