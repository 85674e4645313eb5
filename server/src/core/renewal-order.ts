import { CellMap } from './cell-map.js';
import type { LeaseRequest } from './lease-request.js';
import type { RequestId } from './names.js';

/**
 * A session's leases by TTL, each group in the order of renewal, so that a beat looks only at leases that are due and
 * the shortest TTL is known at once.
 */
export class RenewalOrder {
  readonly #groups = new Map<number, CellMap<RequestId, LeaseRequest>>();

  /** Adds a lease, or moves it to the end of its group after a renewal. */
  renewed(request: LeaseRequest): void {
    let group = this.#groups.get(request.ttlMs);
    if (group === undefined) {
      group = new CellMap();
      this.#groups.set(request.ttlMs, group);
    }
    group.delete(request.id);
    group.set(request.id, request);
  }

  remove(request: LeaseRequest): void {
    const group = this.#groups.get(request.ttlMs);
    group?.delete(request.id);
    if (group?.size === 0) this.#groups.delete(request.ttlMs);
  }

  /** `undefined` when there is no lease. */
  shortestTtlMs(): number | undefined {
    let shortest: number | undefined;
    for (const ttlMs of this.#groups.keys()) {
      if (shortest === undefined || ttlMs < shortest) shortest = ttlMs;
    }
    return shortest;
  }

  /** Leases whose due share of the TTL will have passed by `byMs`, one beat from now. */
  due(byMs: number): LeaseRequest[] {
    const due: LeaseRequest[] = [];
    for (const [ttlMs, group] of this.#groups) {
      for (const request of group.values()) {
        const ageMs = byMs - request.renewedAtMs;
        if (ageMs < 0.4 * ttlMs) break;
        if (ageMs >= request.dueShare * ttlMs) due.push(request);
      }
    }
    return due;
  }
}
