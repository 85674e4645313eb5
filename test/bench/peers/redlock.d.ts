/** What the benchmark uses of node-redlock, whose own types its package does not let a compiler find. */
declare module 'redlock' {
  import type { Redis } from 'ioredis';

  export interface Settings {
    /** Tries after the first. */
    readonly retryCount: number;
    /** Milliseconds between two tries, give or take a random share of `retryJitter`. */
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  export interface Lock {
    /** Rejects when no majority of the nodes had the lock, after all retries. */
    release(): Promise<unknown>;
  }

  export default class Redlock {
    constructor(clients: Iterable<Redis>, settings: Settings);
    /** Waits by trying again; rejects when the tries are used up. */
    acquire(resources: string[], durationMs: number): Promise<Lock>;
  }
}
