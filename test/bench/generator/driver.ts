/** A lock service as the load generator uses it; one implementation a system, so that the load is the same for all. */
export interface Driver {
  /** A client with a connection of its own. */
  connect(): Promise<LockClient>;
  /** A client that waits for a server that may not run yet. */
  awaitServer(): Promise<LockClient>;
  /** A client with one stream and so many leases, extended on request only. */
  extender(leases: number): Promise<Extender>;
  /** A client whose leases are kept alive by itself. */
  keeper(ttlMs: number): Promise<Keeper>;
}

export interface LockClient {
  /** Waits for the lock. */
  acquire(name: string): Promise<HeldLock>;
  close(): Promise<void>;
}

export interface HeldLock {
  /** Rejects when the lock was not held any more. */
  release(): Promise<void>;
}

export interface Extender {
  /** Extends one of the leases, by its index; one call at a time per lease. */
  extend(lease: number): Promise<void>;
  close(): Promise<void>;
}

export interface Keeper {
  take(name: string): Promise<void>;
  /** Leases this client has learned to be lost. */
  readonly lost: number;
  close(): Promise<void>;
}
