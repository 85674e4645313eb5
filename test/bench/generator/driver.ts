/** A lock service as the load generator uses it; one implementation a system, so that the load is the same for all. */
export interface Driver {
  /** A client that will have so many requests under way at a time, each on a name of its own. */
  connect(inFlight: number): Promise<LockClient>;
  /** So many clients for the same name. Each has a connection of its own unless its system is better off with fewer. */
  contenders(count: number): Promise<readonly LockClient[]>;
  /** A client that waits for a server that may not run yet. Absent where there is no server. */
  awaitServer?(): Promise<LockClient>;
  /** A client with one stream and so many leases, extended on request only. Absent where that is not measured. */
  extender?(leases: number): Promise<Extender>;
  /** A client whose leases are kept alive by itself. Absent where that is not measured. */
  keeper?(ttlMs: number): Promise<Keeper>;
}

export interface LockClient {
  /** Waits for the lock. */
  acquire(name: string): Promise<HeldLock>;
  close(): Promise<void>;
}

export interface HeldLock {
  /** Rejects when the lock was not held any more, where the system tells. */
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

/** As many clients as asked for, each connected for itself. */
export function connectedApart(count: number, connect: () => Promise<LockClient>): Promise<readonly LockClient[]> {
  return Promise.all(Array.from({ length: count }, connect));
}
