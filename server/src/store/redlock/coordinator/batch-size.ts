import { type BatchVerb, type BatchVerbs, MAX_ENTRIES } from './redis-node.js';

type Entry = BatchVerbs[BatchVerb]['entry'];

/** A batch is cut where it would be longer; scripts of longer calls would block a node for too long. */
const MAX_BATCH_BYTES = 64 * 1_024;
/** Of an entry besides its key: a value, a token, a time. */
const ENTRY_BYTES = 96;
/** Of each further value or hash. */
const VALUE_BYTES = 56;

/** How many of the first items make one batch: at least one, if there is one. */
export function batchLength(items: readonly { readonly entry: Entry }[]): number {
  let count = 0;
  let bytes = 0;
  for (const { entry } of items) {
    bytes += entryBytes(entry);
    if (count === MAX_ENTRIES || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
    count += 1;
  }
  return count;
}

function entryBytes(entry: Entry): number {
  const holder = 'holder' in entry ? Buffer.byteLength(entry.holder) : 0;
  return Buffer.byteLength(entry.key) + ENTRY_BYTES + holder + valuesOf(entry).length * VALUE_BYTES;
}

function valuesOf(entry: Entry): readonly string[] {
  if ('presented' in entry) return entry.presented;
  if ('from' in entry) return entry.from;
  if ('values' in entry) return entry.values;
  return 'earlierHashes' in entry ? entry.earlierHashes : [];
}
