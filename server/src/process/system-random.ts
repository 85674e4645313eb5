import { randomFillSync } from 'node:crypto';
import type { Random } from '../core/ports.js';

const POOL_BYTES = 4_096;

/** The kernel's randomness, drawn in bulk: a slice of a pool costs a twentieth of a call for 16 bytes. */
export function systemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    bytes: (count) => {
      if (count > POOL_BYTES) return randomFillSync(new Uint8Array(count));
      if (used + count > POOL_BYTES) {
        randomFillSync(pool);
        used = 0;
      }
      used += count;
      return pool.slice(used - count, used);
    },
    unit: Math.random,
  };
}
