import { Packr } from 'msgpackr';
import type { BatchVerb, NodeBatch } from '../coordinator/redis-node.js';
import { BATCH_SCRIPTS } from './scripts/all-scripts.js';
import type { Packable } from './scripts/script.js';

/** Without records and other extensions, which Redis could not read. */
const packr = new Packr({ useRecords: false });
const payloads = new WeakMap<NodeBatch, Buffer>();

/** The one argument of a batch's script: made once, however many nodes it goes to. */
export function payloadOf<V extends BatchVerb>(batch: NodeBatch<V>): Buffer {
  const made = payloads.get(batch);
  if (made !== undefined) return made;
  const script = BATCH_SCRIPTS[batch.verb];
  const flat: Packable[] = [];
  for (const entry of batch.entries) script.encode(entry, flat);
  const payload = packr.pack(flat);
  payloads.set(batch, payload);
  return payload;
}
