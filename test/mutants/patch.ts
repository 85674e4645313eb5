import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../support/project-root.js';

/**
 * One guard switched off, and the test that must notice. A JSON file named `<id>.json`; texts of several lines are lists
 * of lines. `tests` and `test` can each be left out, not both.
 */
export interface Patch {
  readonly id: string;
  /** The guard that is off, in a few words. */
  readonly title: string;
  /** The patched source, from the root. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly original: string;
  readonly replacement: string;
  /** Test files to run, from the root. Default: those that have a test with exactly this title. */
  readonly tests: readonly string[] | undefined;
  /** The end of the full title of the test that must fail: at least its own title. Default: any test of `tests`. */
  readonly test: string | undefined;
}

const FOLDER = join(ROOT, 'test/mutants');
const FIELDS = ['id', 'title', 'file', 'original', 'replacement', 'tests', 'test'];
const PATCHABLE = /^(server\/src|client\/src|test\/support)\/[\w./-]+\.ts$/;

/** `required` are tried with every run of the suite, `further` ones by `make mutants`. */
export function patchesOf(table: 'required' | 'further'): readonly Patch[] {
  const names = readdirSync(join(FOLDER, table)).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => readPatch(join(FOLDER, table, name)));
}

/** Throws one line that says what is wrong with the file. */
export function readPatch(path: string): Patch {
  try {
    const patch = parsePatch(readFileSync(path, 'utf8'));
    if (`${patch.id}.json` !== basename(path)) throw new Error(`id "${patch.id}" is not the name of the file`);
    return patch;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

export function parsePatch(json: string): Patch {
  const read: unknown = JSON.parse(json);
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new Error('is not an object');
  const fields = new Map<string, unknown>(Object.entries(read));
  const unknownField = [...fields.keys()].find((name) => !FIELDS.includes(name));
  if (unknownField !== undefined) throw new Error(`field "${unknownField}" is not one of ${FIELDS.join(', ')}`);
  const file = text(fields, 'file');
  if (!PATCHABLE.test(file) || file.includes('..')) {
    throw new Error(`file "${file}" is not a .ts file below server/src, client/src or test/support`);
  }
  const test = fields.has('test') ? text(fields, 'test') : undefined;
  const tests = fields.has('tests') ? lines(fields, 'tests') : undefined;
  if (test === undefined && tests === undefined) throw new Error('names neither a test nor files of tests');
  const original = lines(fields, 'original').join('\n');
  const replacement = lines(fields, 'replacement').join('\n');
  if (original === '') throw new Error('original is empty');
  if (original === replacement) throw new Error('original and replacement are the same');
  return { id: text(fields, 'id'), title: text(fields, 'title'), file, original, replacement, tests, test };
}

/** Why a patch cannot be tried on the sources and tests as they are; `undefined` where it can. */
export function misfit(patch: Patch): string | undefined {
  const path = join(ROOT, patch.file);
  if (!existsSync(path)) return `there is no ${patch.file} to patch`;
  const found = readFileSync(path, 'utf8').split(patch.original).length - 1;
  if (found !== 1)
    return `the text to replace is found ${found} times in ${patch.file}, not once: bring the patch up to date`;
  const files = testFilesOf(patch);
  const missing = files.find((file) => !file.startsWith('test/') || !existsSync(join(ROOT, file)));
  if (missing !== undefined) return `there is no file of tests ${missing}`;
  return files.length === 0 ? `no file below test/ has a test "${patch.test}"` : undefined;
}

/** The files of tests to run, from the root. */
export function testFilesOf({ tests, test }: Patch): readonly string[] {
  if (tests !== undefined || test === undefined) return tests ?? [];
  return readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(?!dist)[a-z]+\/[\w-]+\.test\.ts$/.test(path))
    .map((path) => `test/${path}`)
    .filter((path) => hasTest(readFileSync(join(ROOT, path), 'utf8'), test));
}

function text(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name);
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`${name} must be a text`);
}

function lines(fields: ReadonlyMap<string, unknown>, name: string): readonly string[] {
  const value = fields.get(name);
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((line): line is string => typeof line === 'string')) return value;
  throw new Error(`${name} must be a text or a list of texts`);
}

/** Whether a source has a test of exactly this title. */
function hasTest(source: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`it(${quote}${title}${quote},`));
}
