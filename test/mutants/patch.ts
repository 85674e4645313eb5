import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { editsOfDiff } from './unified-diff.js';

/** One place of a source that is changed. */
export interface Edit {
  /** From the root. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly original: string;
  readonly replacement: string;
}

/**
 * One guard switched off, and who must notice: the simulator, and a test if one is named. A JSON file named `<id>.json`;
 * texts of several lines are lists of lines. A guard that stands in several places, or behind another one, takes several
 * `edits` in place of `file`, `original` and `replacement`.
 */
export interface Patch {
  readonly id: string;
  /** The guard that is off, in a few words. */
  readonly title: string;
  readonly edits: readonly Edit[];
  /** Test files to run, from the root. Default: those that have a test with exactly this title, none without a title. */
  readonly tests: readonly string[] | undefined;
  /** The end of the full title of the test that must fail: at least its own title. Default: any test of `tests`. */
  readonly test: string | undefined;
  /** Why the simulator does not notice; without it, it must. */
  readonly unseen: string | undefined;
}

/** `required` are tried with every run of the suite, `further` ones by `make mutants`; `mended` are bugs of the past. */
export type PatchTable = 'required' | 'further' | 'mended';

const FOLDER = join(ROOT, 'test/mutants');
const FIELDS = ['id', 'title', 'file', 'original', 'replacement', 'edits', 'tests', 'test', 'unseen'];
const EDIT_FIELDS = ['file', 'original', 'replacement'];
const PATCHABLE = /^(server\/src|client\/src|test\/support)\/[\w./-]+\.ts$/;

export function patchesOf(table: PatchTable): readonly Patch[] {
  const names = readdirSync(join(FOLDER, table)).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => readPatch(join(FOLDER, table, name)));
}

/** A unified diff (`.diff`, `.patch`) does as well as JSON. Throws one line that says what is wrong with the file. */
export function readPatch(path: string): Patch {
  try {
    const text = readFileSync(path, 'utf8');
    if (/\.(diff|patch)$/.test(path)) return patchOfDiff(basename(path).replace(/\.\w+$/, ''), text);
    const patch = parsePatch(text);
    if (`${patch.id}.json` !== basename(path)) throw new Error(`id "${patch.id}" is not the name of the file`);
    return patch;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

export function patchOfDiff(id: string, diff: string): Patch {
  const edits = editsOfDiff(diff).map(checked);
  return { id, title: id, edits, tests: undefined, test: undefined, unseen: undefined };
}

export function parsePatch(json: string): Patch {
  const fields = fieldsOf(JSON.parse(json), FIELDS);
  const test = fields.has('test') ? text(fields, 'test') : undefined;
  const tests = fields.has('tests') ? lines(fields, 'tests') : undefined;
  const unseen = fields.has('unseen') ? text(fields, 'unseen') : undefined;
  return { id: text(fields, 'id'), title: text(fields, 'title'), edits: editsOf(fields), tests, test, unseen };
}

function editsOf(fields: ReadonlyMap<string, unknown>): readonly Edit[] {
  if (!fields.has('edits')) return [editOf(fields)];
  const several = fields.get('edits');
  if (EDIT_FIELDS.some((name) => fields.has(name)))
    throw new Error('has edits besides a file, original or replacement');
  if (!Array.isArray(several) || several.length === 0) throw new Error('edits must be a list');
  return several.map((edit: unknown) => editOf(fieldsOf(edit, EDIT_FIELDS)));
}

function editOf(fields: ReadonlyMap<string, unknown>): Edit {
  const [original, replacement] = ['original', 'replacement'].map((name) => lines(fields, name).join('\n'));
  return checked({ file: text(fields, 'file'), original: original ?? '', replacement: replacement ?? '' });
}

function checked(edit: Edit): Edit {
  const { file, original, replacement } = edit;
  if (!PATCHABLE.test(file) || file.includes('..')) {
    throw new Error(`file "${file}" is not a .ts file below server/src, client/src or test/support`);
  }
  if (original === '') throw new Error('original is empty');
  if (original === replacement) throw new Error('original and replacement are the same');
  return edit;
}

/** Why a patch cannot be tried on the sources and tests as they are; `undefined` where it can. */
export function misfit(patch: Patch): string | undefined {
  for (const { file, original } of patch.edits) {
    const path = join(ROOT, file);
    if (!existsSync(path)) return `there is no ${file} to patch`;
    const found = readFileSync(path, 'utf8').split(original).length - 1;
    if (found !== 1)
      return `the text to replace is found ${found} times in ${file}, not once: bring the patch up to date`;
  }
  const files = testFilesOf(patch);
  const missing = files.find((file) => !file.startsWith('test/') || !existsSync(join(ROOT, file)));
  if (missing !== undefined) return `there is no file of tests ${missing}`;
  return files.length === 0 && hasTests(patch) ? `no file below test/ has a test "${patch.test}"` : undefined;
}

/** Whether a test is to notice, besides the simulator. */
export function hasTests({ tests, test }: Patch): boolean {
  return tests !== undefined || test !== undefined;
}

/** The files of tests to run, from the root. */
export function testFilesOf({ tests, test }: Patch): readonly string[] {
  if (tests !== undefined || test === undefined) return tests ?? [];
  return [...testSources()].flatMap(([file, source]) => (hasTest(source, test) ? [file] : []));
}

/** Of all files of tests, read once: every patch looks through them. */
let read: ReadonlyMap<string, string> | undefined;

function testSources(): ReadonlyMap<string, string> {
  read ??= new Map(
    readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /^(?!dist)[a-z]+\/[\w-]+\.test\.ts$/.test(path))
      .map((path) => [`test/${path}`, readFileSync(join(ROOT, 'test', path), 'utf8')] as const),
  );
  return read;
}

function fieldsOf(read: unknown, known: readonly string[]): ReadonlyMap<string, unknown> {
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new Error('is not an object');
  const fields = new Map<string, unknown>(Object.entries(read));
  const unknownField = [...fields.keys()].find((name) => !known.includes(name));
  if (unknownField !== undefined) throw new Error(`field "${unknownField}" is not one of ${known.join(', ')}`);
  return fields;
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
