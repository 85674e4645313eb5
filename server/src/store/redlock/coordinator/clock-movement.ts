import type { OffsetInterval } from './node-clock.js';

/** How the clock of a node has moved against this server's. */
export interface Movement {
  /** When that was noticed. */
  readonly shift: OffsetInterval;
  /** Altogether since, as far as that has been measured well: the server may have slept again. */
  readonly nowShift: OffsetInterval;
}

/** Shifts that may be one and the same. Less than what is a fault, so that a clock that did not move is never like one that did. */
export const ALIKE_MS = 50;

/** Whether a clock that is under no suspicion has moved for certain, and hardly less than one that is. */
export function movedToo(shift: OffsetInterval, suspected: OffsetInterval): boolean {
  const isAhead = suspected.lowMs > 0;
  return isAhead ? shift.lowMs > suspected.lowMs - ALIKE_MS : shift.highMs < suspected.highMs + ALIKE_MS;
}

/** Of nodes that were noticed between two movements of a server's clock, only the sums may be the same. */
export function movedAlike(left: Movement, right: Movement): boolean {
  return alike(left.shift, right.shift) || alike(left.nowShift, right.nowShift);
}

/** Whether one movement can explain both. */
export function alike(left: OffsetInterval, right: OffsetInterval): boolean {
  const [one, other] = [range(left), range(right)];
  return one.lowMs <= other.highMs + ALIKE_MS && other.lowMs <= one.highMs + ALIKE_MS;
}

/**
 * How far a clock may have moved. Ends that have crossed are those of a movement that was taken for less at first, and became part
 * of the bounds: it was as far as what is left of it at least.
 */
function range({ lowMs, highMs }: OffsetInterval): OffsetInterval {
  if (lowMs <= highMs) return { lowMs, highMs };
  const isAhead = lowMs + highMs > 0;
  return isAhead ? { lowMs, highMs: Number.POSITIVE_INFINITY } : { lowMs: Number.NEGATIVE_INFINITY, highMs };
}
