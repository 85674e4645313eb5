import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @type {ReadonlyMap<string, { original: string, replacement: string }>} */
let edits = new Map();
let log = '';

/** @param {{ edits: { file: string, original: string, replacement: string }[], log: string }} data */
export function initialize(data) {
  edits = new Map(data.edits.map((edit) => [edit.file, edit]));
  log = data.log;
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const edit = url.startsWith('file:') ? edits.get(fileURLToPath(new URL(url))) : undefined;
  if (edit === undefined) return loaded;
  const text = Buffer.from(/** @type {Uint8Array} */ (loaded.source ?? '')).toString();
  const parts = text.split(edit.original);
  if (parts.length !== 2) throw new Error(`the text to replace is ${parts.length - 1} times in ${edit.file}`);
  appendFileSync(log, `${edit.file}\n`);
  return { ...loaded, source: parts.join(edit.replacement) };
}
