import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Edit, patchesOf } from '../../mutants/patch.js';
import { ROOT } from '../../support/project-root.js';

const HOOKS = pathToFileURL(join(ROOT, 'test/mutants/patching-hooks.mjs')).href;
const PATCHING = pathToFileURL(join(ROOT, 'test/mutants/patch-on-load.mjs')).href;

/** The edits of a patch of the table of guards. */
export function guard(id: string): readonly Edit[] {
  const patch = [...patchesOf('required'), ...patchesOf('further')].find((each) => each.id === id);
  if (patch === undefined) throw new RangeError(`there is no patch ${id}`);
  return patch.edits;
}

/** Sources that are patched as processes load them. Nothing on the disk changes. */
export class GuardsOff {
  readonly #edits: readonly Edit[];
  readonly #log: string;
  /** For every process that is to run without the guards, which must be one of sources. */
  readonly launch: { readonly env: Readonly<Record<string, string>>; readonly nodeArgs: readonly string[] };

  constructor(edits: readonly Edit[], folder: string) {
    this.#edits = edits.map((edit) => ({ ...edit, file: join(ROOT, edit.file) }));
    this.#log = join(folder, 'patched');
    if (edits.length === 0) {
      this.launch = { env: {}, nodeArgs: [] };
      return;
    }
    mkdirSync(folder, { recursive: true });
    const mutant = join(folder, 'mutant.json');
    writeFileSync(mutant, JSON.stringify({ url: HOOKS, edits: this.#edits, log: this.#log }));
    const env = { HOLDFAST_MUTANT: mutant, NODE_OPTIONS: `--import=${PATCHING}` };
    this.launch = { env, nodeArgs: ['--no-deprecation'] };
  }

  /** Patched files that no process has loaded: what they guard was on. */
  get unloaded(): readonly string[] {
    const loaded = existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
    return this.#edits.map(({ file }) => file).filter((file) => !loaded.includes(`${file}\n`));
  }
}
