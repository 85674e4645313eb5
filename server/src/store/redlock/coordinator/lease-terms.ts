import type { RedlockSettings } from './settings.js';

/** How long after its time a leftover may still appear: a node that was stopped runs what was in its buffers. */
const LEFTOVER_GRACE_MS = 60_000;
/** No lease is longer; a longer one is a mistake of the caller's. */
const MAX_TTL_MS = 24 * 3_600_000;

/** The times of one bid, on the server's monotonic clock but for the first. */
export interface Terms {
  /** How long the lock stands at a node, from the moment it is set there. */
  readonly expiryMs: number;
  /** Until when, at the latest, a leftover of the bid stands anywhere. */
  readonly leftoverUntilMs: number;
  /** The last moment at which a grant of it may be told. */
  readonly grantUntilMs: number;
}

/** How long things last, from a time to live and what clocks are allowed to do. */
export class LeaseTerms {
  constructor(private readonly settings: Pick<RedlockSettings, 'clockRateDrift' | 'clockMarginMs'>) {}

  /** `calledAtMs` is t0: counted from then, not from when the nodes are reached or answer. */
  of(calledAtMs: number, ttlMs: number): Terms {
    const { clockRateDrift, clockMarginMs } = this.settings;
    return {
      expiryMs: this.expiryMs(ttlMs),
      leftoverUntilMs: this.leftoverUntilMs(calledAtMs, ttlMs),
      grantUntilMs: calledAtMs + ttlMs * (1 - clockRateDrift) - clockMarginMs,
    };
  }

  /** Later than any deadline that is told of the lease, by the clock of any node. */
  expiryMs(ttlMs: number): number {
    return Math.ceil(ttlMs * (1 + this.settings.clockRateDrift) + this.settings.clockMarginMs);
  }

  leftoverUntilMs(calledAtMs: number, ttlMs: number): number {
    return calledAtMs + this.expiryMs(ttlMs) + LEFTOVER_GRACE_MS;
  }
}

/** What is wrong with a time to live, whoever asked for it. */
export function ttlProblem(ttlMs: number): string | undefined {
  if (ttlMs > 0 && ttlMs <= MAX_TTL_MS) return undefined;
  return `a time to live of ${ttlMs} ms is not within 1 to ${MAX_TTL_MS}`;
}
