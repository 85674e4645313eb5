import type { CoreContext } from './core-context.js';
import { resourceKey, resourceParts } from './names.js';
import type { Resource } from './resource.js';
import type { LeaseQuery, ListedLease } from './session-api.js';

/** The leases known here and those only the store remembers, ordered by namespace and name. */
export function listLeases(ctx: CoreContext, query: LeaseQuery): readonly ListedLease[] {
  const nowMs = ctx.nowMs();
  const found = new Map<string, ListedLease>();
  for (const stored of ctx.ports.store.storedLeases()) {
    const parts = resourceParts(stored.resource);
    found.set(stored.resource, {
      ...parts,
      leaseId: stored.leaseId,
      token: stored.token,
      clientName: stored.clientName,
      sessionId: stored.sessionId,
      sessionState: 'unclaimed',
      grantedAtWallMs: stored.grantedAtWallMs,
      ttlMs: stored.ttlMs,
      remainingMs: Math.max(0, Math.floor(stored.remainingMs)),
      waiters: ctx.resources.get(stored.resource)?.waiters.size ?? 0,
    });
  }
  for (const resource of ctx.resources.values()) {
    const lease = listedLease(resource, nowMs);
    if (lease !== undefined) found.set(resource.key, lease);
  }
  const after = query.after && resourceKey(query.after.namespace, query.after.name);
  return [...found]
    .filter(([key, lease]) => {
      if (after !== undefined && key <= after) return false;
      return (query.namespace === '' || lease.namespace === query.namespace) && lease.name.startsWith(query.namePrefix);
    })
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .slice(0, query.limit)
    .map(([, lease]) => lease);
}

function listedLease(resource: Resource, nowMs: number): ListedLease | undefined {
  const { holder } = resource;
  if (holder?.lease === undefined) return undefined;
  const { session, lease } = holder;
  return {
    ...resourceParts(resource.key),
    leaseId: lease.leaseId,
    token: lease.token,
    clientName: session.clientName,
    sessionId: session.id,
    sessionState: session.attachment === undefined ? 'detached' : 'attached',
    grantedAtWallMs: lease.grantedAtWallMs,
    ttlMs: holder.ttlMs,
    remainingMs: Math.max(0, Math.floor(holder.deadlines.serverMs - nowMs)),
    waiters: resource.waiters.size,
  };
}
