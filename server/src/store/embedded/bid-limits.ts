import type { ResourceKey } from '../../core/names.js';
import type { Grantee } from '../../core/ports.js';

/** LMDB keys are at most 1,978 bytes; namespace and name are at most 256 each. */
const MAX_RESOURCE_BYTES = 1_024;
const MAX_TEXT_BYTES = 1_024;

/** Why an entry cannot be stored; `undefined` when it can. The core has checked before: this keeps one entry from failing its batch. */
export function problemOf(resource: ResourceKey, grantee: Grantee | undefined): string | undefined {
  const bytes = Buffer.byteLength(resource);
  if (bytes === 0 || bytes > MAX_RESOURCE_BYTES) {
    return `resource: ${bytes} bytes with its namespace, must be 1 to ${MAX_RESOURCE_BYTES}`;
  }
  if (grantee === undefined) return undefined;
  const { ttlMs, hash, leaseId, sessionId, clientName } = grantee;
  for (const [field, text] of Object.entries({ hash, leaseId, sessionId, clientName })) {
    const length = Buffer.byteLength(text);
    if (length > MAX_TEXT_BYTES) return `${field}: ${length} bytes, must be at most ${MAX_TEXT_BYTES}`;
  }
  return ttlProblem(ttlMs);
}

export function ttlProblem(ttlMs: number): string | undefined {
  return Number.isFinite(ttlMs) && ttlMs > 0 ? undefined : `ttlMs: ${ttlMs}, must be a positive number of milliseconds`;
}
