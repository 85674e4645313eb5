/** What is used of node-redlock, whose own types its package does not let a compiler find. */
declare module 'redlock' {
  import type { Redis } from 'ioredis';

  export interface Settings {
    /** Tries after the first. */
    readonly retryCount: number;
    /** Milliseconds between two tries, give or take a random share of `retryJitter`. */
    readonly retryDelay: number;
    readonly retryJitter: number;
    /** `using` extends a lock that has no more than so many milliseconds left. */
    readonly automaticExtensionThreshold?: number;
  }

  export interface Lock {
    /** Until when it is valid, by the wall clock: milliseconds since 1970. */
    readonly expiration: number;
    /** Rejects when no majority of the nodes had the lock, after all retries. */
    release(): Promise<unknown>;
  }

  /** No majority of the nodes agreed, in any of the tries. */
  export class ExecutionError extends Error {}

  export default class Redlock {
    constructor(clients: Iterable<Redis>, settings: Settings);
    /** Waits by trying again; rejects when the tries are used up. */
    acquire(resources: string[], durationMs: number, settings?: Partial<Settings>): Promise<Lock>;
    /** Extends the lock until the routine is done; its signal aborts when that fails. */
    using<T>(resources: string[], durationMs: number, routine: (signal: AbortSignal) => Promise<T>): Promise<T>;
  }
}
