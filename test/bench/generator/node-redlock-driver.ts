import Redlock from 'redlock';
import type { Driver } from './driver.js';
import { LIBRARY_PATIENCE_MS, LIBRARY_RETRY_MS, LIBRARY_TTL_MS, libraryDriver } from './library-driver.js';

/** The usual 100 ms would make most delays of 20 ms either none or far longer. */
const JITTER_MS = 10;

/** node-redlock; locks are not extended, so that no timers are set for them. */
export function nodeRedlockDriver(target: string): Driver {
  return libraryDriver(target, (nodes) => {
    const redlock = new Redlock(nodes, {
      retryCount: LIBRARY_PATIENCE_MS / LIBRARY_RETRY_MS,
      retryDelay: LIBRARY_RETRY_MS,
      retryJitter: JITTER_MS,
    });
    return async (name) => {
      const lock = await redlock.acquire([name], LIBRARY_TTL_MS);
      return {
        release: async () => {
          await lock.release();
        },
      };
    };
  });
}
