import type { Edit } from './steps.js';

/** Longest message that edits make: over the server's limit, so that the limit is tried as well. */
const MAX_BYTES = 70_000;

/** A message with its bytes changed. `earlier` are messages sent before, the last one last. */
export function mangled(message: Uint8Array, edits: readonly Edit[], earlier: readonly Uint8Array[]): Buffer {
  let bytes: Buffer = Buffer.from(message);
  for (const edit of edits) bytes = edited(bytes, edit, earlier).subarray(0, MAX_BYTES);
  return bytes;
}

function edited(bytes: Buffer, edit: Edit, earlier: readonly Uint8Array[]): Buffer {
  const at = bytes.length === 0 ? 0 : edit.at % bytes.length;
  const before = bytes.subarray(0, at);
  switch (edit.edit) {
    case 'flip':
    case 'set': {
      const old = bytes[at] ?? 0;
      const byte = edit.edit === 'set' ? edit.byte : old ^ (1 << edit.bit);
      return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(at + 1)]);
    }
    case 'cut':
      return before;
    case 'remove':
      return Buffer.concat([before, bytes.subarray(at + edit.count)]);
    case 'insert':
      return Buffer.concat([before, Buffer.from(edit.hex, 'hex'), bytes.subarray(at)]);
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, at + edit.count), bytes.subarray(at)]);
    case 'splice': {
      const other = earlier.at(-1 - edit.back) ?? new Uint8Array();
      return Buffer.concat([before, other.subarray(other.length === 0 ? 0 : edit.at % other.length)]);
    }
  }
}
