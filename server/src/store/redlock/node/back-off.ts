import type { Random } from '../../../core/ports.js';

const FIRST_MS = 50;
const LONGEST_MS = 5_000;
const MAX_DOUBLINGS = 7;

/** How long to wait after so many failures in a row: doubled each time, 5 s at most, and jittered by half. */
export function backOffMs(failures: number, random: Pick<Random, 'unit'>): number {
  const fullMs = Math.min(FIRST_MS * 2 ** Math.min(failures, MAX_DOUBLINGS), LONGEST_MS);
  return fullMs * (0.5 + random.unit() / 2);
}
