import type { Acquire, ClientFrame, ResumeEntry } from '@holdfast/protocol';

/** Tag, length and contents of a string or bytes field of this many bytes, at most. */
const field = (bytes: number): number => bytes + 6;
const text = (value: string): number => field(Buffer.byteLength(value));
const NUMBER_BYTES = 11;
/** Ids stay below 2^53, and lists of them are packed. */
const FRAME_ID_BYTES = 8;

/** How many bytes a frame takes in a message, at most. Exact enough to fill messages, cheap enough for every frame. */
export function frameSizeBound({ kind }: ClientFrame): number {
  return field(NUMBER_BYTES + field(kindSizeBound(kind)));
}

function kindSizeBound(kind: ClientFrame['kind']): number {
  switch (kind?.$case) {
    case 'acquire':
      return acquireSizeBound(kind.value);
    case 'resume':
      return kind.value.entries.reduce((sum, entry) => sum + resumeEntrySizeBound(entry), 2);
    case 'heldList':
      return FRAME_ID_BYTES * kind.value.requestIds.length + NUMBER_BYTES + 8;
    case 'open':
      return text(kind.value.clientName) + text(kind.value.namespace) + text(kind.value.sessionId) + 48;
    case 'heartbeat':
      return 3 * NUMBER_BYTES;
    case 'cancel':
    case 'release':
    case 'extend':
      return NUMBER_BYTES;
    case 'close':
    case undefined:
      return 0;
  }
}

function acquireSizeBound(acquire: Acquire): number {
  let bytes =
    2 * NUMBER_BYTES + 2 + field(acquire.secret.length) + text(acquire.traceparent) + text(acquire.tracestate);
  for (const secret of acquire.earlierSecrets) bytes += field(secret.length);
  for (const { name } of acquire.resources) bytes += field(text(name));
  return bytes;
}

/** The same for one entry of a Resume frame. */
export function resumeEntrySizeBound(entry: ResumeEntry): number {
  const acquire = entry.acquire === undefined ? 0 : field(acquireSizeBound(entry.acquire));
  return field(2 + acquire + NUMBER_BYTES + text(entry.leaseId) + field(NUMBER_BYTES * entry.tokens.length));
}
