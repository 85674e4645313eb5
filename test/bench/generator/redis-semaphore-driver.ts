import { RedlockMutex } from 'redis-semaphore';
import type { Driver } from './driver.js';
import { LIBRARY_PATIENCE_MS, LIBRARY_RETRY_MS, LIBRARY_TTL_MS, libraryDriver } from './library-driver.js';

const OPTIONS = {
  lockTimeout: LIBRARY_TTL_MS,
  acquireTimeout: LIBRARY_PATIENCE_MS,
  retryInterval: LIBRARY_RETRY_MS,
  /** Locks are not extended, so that no timers are set for them. */
  refreshInterval: 0,
};

/** redis-semaphore's `RedlockMutex`. */
export function redisSemaphoreDriver(target: string): Driver {
  return libraryDriver(target, (nodes) => async (name) => {
    const mutex = new RedlockMutex([...nodes], name, OPTIONS);
    await mutex.acquire();
    return mutex;
  });
}
