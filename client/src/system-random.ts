import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from './session/ports.js';

const RANGE = 2 ** 32;

/** The operating system's randomness. */
export class SystemRandom implements Random {
  bytes(count: number): Uint8Array {
    return randomBytes(count);
  }

  unit(): number {
    return randomInt(RANGE) / RANGE;
  }
}
