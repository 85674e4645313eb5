import type { Court } from './terms.js';

/** Something of which a process has some number: waiters, sessions, streams, timers, open files. */
export interface CountLeft {
  readonly where: string;
  readonly what: string;
  readonly count: number;
  /** How many there were at the beginning. Default: none. */
  readonly before?: number;
}

/** The memory of a process after each of some equal cycles of work, garbage collected. */
export interface HeapLeft {
  readonly where: string;
  readonly usedBytes: readonly number[];
  /** What one more cycle may add. */
  readonly mostBytesPerCycle: number;
}

/** Fewer cycles say nothing about a slope. */
const LEAST_CYCLES = 20;

/**
 * I7: when everybody has gone nothing of them is left: no more of anything that is counted than there was at the beginning,
 * and no memory that grows with each cycle of the same work.
 *
 * Counts at the end say it, and for memory the slope of a straight line through what was used after each cycle.
 */
export function judgeThings(court: Court, counts: readonly CountLeft[], heaps: readonly HeapLeft[] = []): void {
  const accuse = (what: string): void => court.accuse('L4/I7', what, court.nowMs);
  for (const problem of problemsOfThings(counts)) accuse(problem);
  for (const { where, usedBytes, mostBytesPerCycle } of heaps) {
    if (usedBytes.length < LEAST_CYCLES)
      throw new RangeError(`a slope needs ${LEAST_CYCLES} cycles, not ${usedBytes.length}`);
    const slope = slopeOf(usedBytes);
    if (slope > mostBytesPerCycle) accuse(`${where} grows by ${Math.round(slope)} bytes with each cycle`);
  }
}

/** Of the counts, in words, for whoever looks again and again until there is nothing to say. */
export function problemsOfThings(counts: readonly CountLeft[]): readonly string[] {
  return counts.flatMap(({ where, what, count, before = 0 }) =>
    count > before ? [`${count - before} ${what} are left at ${where} after everybody has gone`] : [],
  );
}

/** Of the straight line that fits best, by least squares. */
export function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const covariance = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const variance = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return covariance / variance;
}
