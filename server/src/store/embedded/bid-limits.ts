import type { ResourceKey } from '../../core/names.js';
import type { Grantee } from '../../core/ports.js';

/** LMDB keys are at most 1,978 bytes; namespace and name are at most 256 each. */
const MAX_RESOURCE_BYTES = 1_024;
const MAX_TEXT_BYTES = 1_024;

/** Why an entry cannot be stored; `undefined` when it can. The core has checked before: this keeps one entry from failing its batch. */
export function problemOf(resource: ResourceKey, grantee: Grantee | undefined): string | undefined {
  if (resource.length === 0 || isLonger(resource, MAX_RESOURCE_BYTES)) {
    return `resource: ${Buffer.byteLength(resource)} bytes with its namespace, must be 1 to ${MAX_RESOURCE_BYTES}`;
  }
  if (grantee === undefined) return undefined;
  const { ttlMs, hash, leaseId, sessionId, clientName } = grantee;
  return (
    textProblem('hash', hash) ??
    textProblem('leaseId', leaseId) ??
    textProblem('sessionId', sessionId) ??
    textProblem('clientName', clientName) ??
    ttlProblem(ttlMs)
  );
}

function textProblem(field: string, text: string): string | undefined {
  if (!isLonger(text, MAX_TEXT_BYTES)) return undefined;
  return `${field}: ${Buffer.byteLength(text)} bytes, must be at most ${MAX_TEXT_BYTES}`;
}

/** Counts only where it has to: no character takes more than three bytes for each of its code units. */
function isLonger(text: string, maxBytes: number): boolean {
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

export function ttlProblem(ttlMs: number): string | undefined {
  return Number.isFinite(ttlMs) && ttlMs > 0 ? undefined : `ttlMs: ${ttlMs}, must be a positive number of milliseconds`;
}
