import type { Hash } from '../../../core/names.js';

/** A bound far above what one server extends at a time. Beyond it the oldest goes: a minority may then keep what it was told late. */
const MAX_KEPT = 100_000;

/** One lease, for the rounds that extend it. */
export interface KeptLease {
  /** It has been given back, or goes on under another secret: no round that began before puts it back anywhere. */
  over: boolean;
  /** When its last extension ends by itself. */
  untilMs: number;
}

/**
 * The leases that are being extended. A node may say that it misses one when the lease has been given back already; put back
 * then, it would stand there until it expires, and refuse everybody.
 */
export class KeptLeases {
  readonly #byHash = new Map<Hash, KeptLease>();

  /** A round begins that extends a lease until then. */
  extended(hash: Hash, untilMs: number, nowMs: number): KeptLease {
    const known = this.#byHash.get(hash);
    this.#byHash.delete(hash);
    if (known === undefined) this.#makeRoom(nowMs);
    const lease = known ?? { over: false, untilMs };
    lease.untilMs = Math.max(lease.untilMs, untilMs);
    this.#byHash.set(hash, lease);
    return lease;
  }

  /** The holder has let go of it, or it is lost. */
  ended(hash: Hash): void {
    const lease = this.#byHash.get(hash);
    if (lease === undefined) return;
    lease.over = true;
    this.#byHash.delete(hash);
  }

  /** Those that lapsed without a word come first. */
  #makeRoom(nowMs: number): void {
    for (const [hash, { untilMs }] of this.#byHash) {
      if (untilMs >= nowMs && this.#byHash.size < MAX_KEPT) return;
      this.#byHash.delete(hash);
    }
  }
}
