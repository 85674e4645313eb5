/**
 * A lock service as the load generator uses it; one implementation a system, so that the load is the same for all. What is
 * not measured of a system is absent.
 */
export interface Driver {
  /** A client that will have so many requests under way at a time, each on a name of its own. */
  readonly connect?: (inFlight: number) => Promise<LockClient>;
  /** So many clients for the same name. Each has a connection of its own unless its system is better off with fewer. */
  readonly contenders?: (count: number) => Promise<readonly LockClient[]>;
  /** A client that waits for a server that may not run yet. */
  readonly awaitServer?: () => Promise<LockClient>;
  /** A client with one stream and so many leases, extended on request only. */
  readonly extender?: (leases: number) => Promise<Extender>;
  /** A client whose leases are kept alive by itself. */
  readonly keeper?: (ttlMs: number) => Promise<Keeper>;
  /** Calls the nodes beneath directly, with so many calls unanswered at each. */
  readonly batcher?: (callsPerNode: number) => Promise<Batcher>;
}

/** What a job needs of a driver; throws where the system has no such thing. */
export function needed<K extends keyof Driver>(driver: Driver, what: K): NonNullable<Driver[K]> {
  const found = driver[what];
  if (found === undefined) throw new Error(`this system is not measured this way: its driver has no ${what}`);
  return found;
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

export interface Batcher {
  /** What takes all of these locks and gives them back, in one call a node each; one such call at a time. */
  pairs(names: readonly string[]): () => Promise<void>;
  close(): Promise<void>;
}

/** As many clients as asked for, each connected for itself. */
export function connectedApart(count: number, connect: () => Promise<LockClient>): Promise<readonly LockClient[]> {
  return Promise.all(Array.from({ length: count }, connect));
}
