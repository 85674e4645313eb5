import type { Failure } from '../core/failure.js';
import type { Holder, ServerFrame } from '../core/frames.js';

/** Tag and length of the frame (5), its id (9), tag and length of its kind (5). */
const ENVELOPE_BYTES = 19;
/** Tag and varint of a number below 2^53, of one below 2^32, and of a 64-bit one. */
const ID_BYTES = 9;
const UINT32_BYTES = 6;
const TOKEN_BYTES = 10;
/** Tag and length of something nested. */
const NESTED_BYTES = 5;
const VALIDITY_BYTES = NESTED_BYTES + ID_BYTES + UINT32_BYTES;
const LIMITS_BYTES = NESTED_BYTES + 8 * UINT32_BYTES;
/** Type URLs, domain, metadata keys, retry delay and every tag of a failure's status. */
const FAILURE_BYTES = 260;

/**
 * At most how many bytes a frame takes on the wire: cheap to compute, never too small, rarely twice too much. What
 * waits to be sent is bounded by it, and messages are cut by it.
 */
export function frameBytesAtMost(frame: ServerFrame): number {
  return ENVELOPE_BYTES + kindBytes(frame);
}

/** What one more lease in a group of an Extended frame takes, and one more group. */
export const EXTENDED_LEASE_BYTES = ID_BYTES - 1;
export const EXTENDED_GROUP_BYTES = NESTED_BYTES + UINT32_BYTES + NESTED_BYTES;

function kindBytes(frame: ServerFrame): number {
  switch (frame.kind) {
    case 'granted':
      return textBytes(frame.leaseId) + frame.tokens.length * TOKEN_BYTES + NESTED_BYTES + VALIDITY_BYTES + 21;
    case 'released':
      return 2;
    case 'extended': {
      let bytes = ID_BYTES + UINT32_BYTES;
      for (const group of frame.groups) {
        bytes += EXTENDED_GROUP_BYTES + group.requestIds.length * EXTENDED_LEASE_BYTES;
      }
      return bytes;
    }
    case 'queued':
      return UINT32_BYTES + holderBytes(frame.holder);
    case 'denied':
      return 2 + UINT32_BYTES + holderBytes(frame.holder);
    case 'lost':
      return 2 * ID_BYTES + 2;
    case 'failed':
      return FAILURE_BYTES + failureTextBytes(frame.failure);
    case 'opened':
      return 2 * UINT32_BYTES + textBytes(frame.serverId) + LIMITS_BYTES;
    case 'resumed':
      return ID_BYTES + UINT32_BYTES + frame.leases.length * (NESTED_BYTES + ID_BYTES + 2 + VALIDITY_BYTES);
    case 'draining':
      return UINT32_BYTES;
    case 'held_list_requested':
    case 'closed':
      return 0;
  }
}

function holderBytes(holder: Holder | undefined): number {
  if (holder === undefined) return 0;
  return NESTED_BYTES + textBytes(holder.leaseId ?? '') + textBytes(holder.clientName) + ID_BYTES;
}

function failureTextBytes({ message, field = '', value = '', limit = '' }: Failure): number {
  return textBytes(message) + textBytes(field) + textBytes(value) + textBytes(limit);
}

/** No UTF-16 unit takes more than three bytes in UTF-8. */
function textBytes(text: string): number {
  return NESTED_BYTES + text.length * 3;
}
