import type { Redis } from 'ioredis';
import { RedlockMutex } from 'redis-semaphore';
import Redlock, { ExecutionError } from 'redlock';
import { monotonicMs } from './turns.js';

/** Longer than a turn, so that libraries and servers do not meet in every try. */
const RETRY_MS = 30;
const JITTER_MS = 20;
/** By their own reckoning a lock ends so much earlier than its time to live. */
const DRIFT_SHARE = 0.01;
const DRIFT_MS = 2;
/** What is extended is extended when so much of it is left. */
const EXTEND_AT_MS = 300;

/** A lock in the hands of another library. */
export interface OtherLock {
  /** Until when its holder may rely on it. */
  readonly untilMs: number;
  /** Whether it still was there, where the library says so. */
  release(): Promise<boolean | undefined>;
}

/** Another library that locks names at the same Redis nodes, as its users have it. */
export interface OtherLibrary {
  readonly title: string;
  /** A server's key template that goes with it. */
  readonly keyTemplate: string;
  keyOf(name: string): string;
  /** `undefined` when none of so many tries had a majority. */
  tryAcquire(name: string, ttlMs: number, tries?: number): Promise<OtherLock | undefined>;
  /** Keeps a lock extended while the work is under way; the signal aborts when it is lost. */
  keeping(name: string, ttlMs: number, work: (lost: AbortSignal) => Promise<void>): Promise<void>;
}

/** node-redlock uses names as keys. */
export function nodeRedlock(clients: readonly Redis[]): OtherLibrary {
  const redlock = new Redlock(clients, {
    retryCount: 0,
    retryDelay: RETRY_MS,
    retryJitter: JITTER_MS,
    automaticExtensionThreshold: EXTEND_AT_MS,
  });
  const refusal = (error: unknown): undefined => {
    if (!(error instanceof ExecutionError)) throw error;
  };
  return {
    title: 'node-redlock',
    keyTemplate: '{name}',
    keyOf: (name) => name,
    async tryAcquire(name, ttlMs, tries = 1) {
      const untilMs = endOf(ttlMs);
      const lock = await redlock.acquire([name], ttlMs, { retryCount: tries - 1 }).catch(refusal);
      const release = async (): Promise<boolean> => (await lock?.release().catch(refusal)) !== undefined;
      return lock && { untilMs, release };
    },
    keeping: (name, ttlMs, work) => redlock.using([name], ttlMs, work),
  };
}

/** redis-semaphore puts `mutex:` before them. */
export function redisSemaphore(clients: readonly Redis[]): OtherLibrary {
  const mutex = (name: string, ttlMs: number, options: ConstructorParameters<typeof RedlockMutex>[2]): RedlockMutex =>
    new RedlockMutex([...clients], name, { lockTimeout: ttlMs, retryInterval: RETRY_MS, ...options });
  return {
    title: 'redis-semaphore',
    keyTemplate: 'mutex:{name}',
    keyOf: (name) => `mutex:${name}`,
    async tryAcquire(name, ttlMs, tries = 1) {
      const untilMs = endOf(ttlMs);
      const lock = mutex(name, ttlMs, { acquireAttemptsLimit: tries, refreshInterval: 0 });
      const release = async (): Promise<undefined> => {
        await lock.release();
      };
      return (await lock.tryAcquire()) ? { untilMs, release } : undefined;
    },
    async keeping(name, ttlMs, work) {
      const lost = new AbortController();
      const onLockLost = (error: Error): void => lost.abort(error);
      const lock = mutex(name, ttlMs, { refreshInterval: ttlMs - EXTEND_AT_MS, onLockLost });
      await lock.acquire();
      await work(lost.signal).finally(() => lock.release());
    },
  };
}

/** Of a lock that is asked for now; what is asked for again later ends later than that. */
function endOf(ttlMs: number): number {
  return monotonicMs() + ttlMs * (1 - DRIFT_SHARE) - DRIFT_MS;
}
