import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @type {readonly { file: string, original: string, replacement: string }[]} */
let edits = [];
let log = '';

/** @param {{ edits: { file: string, original: string, replacement: string }[], log: string }} data */
export function initialize(data) {
  edits = data.edits;
  log = data.log;
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.startsWith('file:')) return loaded;
  const path = fileURLToPath(new URL(url));
  const wanted = edits.filter(({ file }) => file === path);
  if (wanted.length === 0) return loaded;
  let text = Buffer.from(/** @type {Uint8Array} */ (loaded.source ?? '')).toString();
  for (const { file, original, replacement } of wanted) {
    const parts = text.split(original);
    if (parts.length !== 2) throw new Error(`the text to replace is ${parts.length - 1} times in ${file}`);
    text = parts.join(replacement);
  }
  appendFileSync(log, `${path}\n`);
  return { ...loaded, source: text };
}
