import { createHash } from 'node:crypto';
import { type Hash, type LeaseId, type ResourceKey, resourceKey, type SessionId } from '../../server/src/core/names.js';
import type { AcquireBid, AdoptBid, ExtendBid, Grantee, HandOffBid, ReleaseBid } from '../../server/src/core/ports.js';

export const TTL_MS = 1_000;

export function hashOf(secret: string): Hash {
  return createHash('sha256').update(secret).digest('hex').slice(0, 32) as Hash;
}

export function resource(name: string): ResourceKey {
  return resourceKey('default', name);
}

/** Who asks, named by the secret; `secret` may differ from `request` after a resume. */
export function grantee(request: string, changes: { readonly secret?: string; readonly ttlMs?: number } = {}): Grantee {
  return {
    hash: hashOf(changes.secret ?? request),
    leaseId: `lease-of-${request}` as LeaseId,
    sessionId: `session-of-${request}` as SessionId,
    clientName: `client ${request}`,
    ttlMs: changes.ttlMs ?? TTL_MS,
  };
}

export function acquireBid(name: string, to: Grantee, earlier: readonly string[] = []): AcquireBid {
  return { resource: resource(name), grantee: to, earlierHashes: earlier.map(hashOf), waits: false };
}

export function extendBid(name: string, secret: string, token: bigint, ttlMs = TTL_MS): ExtendBid {
  return { resource: resource(name), hash: hashOf(secret), token, ttlMs };
}

export function handOffBid(name: string, from: { secret: string; token: bigint }, to: Grantee): HandOffBid {
  return { resource: resource(name), from: { hash: hashOf(from.secret), token: from.token }, to };
}

export function adoptBid(name: string, presented: readonly string[], token: bigint, to: Grantee): AdoptBid {
  return { resource: resource(name), presented: presented.map(hashOf), token, grantee: to };
}

export function releaseBid(name: string, ...secrets: readonly string[]): ReleaseBid {
  return { resource: resource(name), hashes: secrets.map(hashOf), token: undefined };
}
