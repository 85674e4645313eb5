/** An offset of a node's clock from this server's monotonic one lies in it, both ends included. Milliseconds. */
export interface OffsetInterval {
  readonly lowMs: number;
  readonly highMs: number;
}

/** One answer's bounds: the node told its time after the call was sent and before the answer was received. */
export function offsetInterval(clockUs: number, sentMs: number, receivedMs: number): OffsetInterval {
  const clockMs = clockUs / 1_000;
  return { lowMs: clockMs - receivedMs, highMs: clockMs - sentMs };
}

/** The weight of a new round trip in the smoothed one. */
const SMOOTHING = 1 / 8;

/**
 * What is known of one node's clock. Everything measured so far bounds what can be measured later: each interval, widened
 * by ρ for the time since. Two numbers keep the tightest of all those bounds, whichever answer they come from.
 */
export class NodeClock {
  readonly #drift: number;
  /** The greatest of low + ρ·received. */
  #low = Number.NEGATIVE_INFINITY;
  /** The least of high − ρ·received. */
  #high = Number.POSITIVE_INFINITY;
  #firstSentMs = Number.POSITIVE_INFINITY;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #lastReceivedMs = Number.NEGATIVE_INFINITY;
  #roundTripMs: number | undefined;
  #best: { readonly interval: OffsetInterval; readonly atMs: number } | undefined;

  /** ρ. */
  constructor(clockRateDrift: number) {
    this.#drift = clockRateDrift;
  }

  get measured(): boolean {
    return this.#best !== undefined;
  }

  /** When the first answer since the last `forget` was asked for. */
  get firstSentMs(): number {
    return this.#firstSentMs;
  }

  get lastSentMs(): number {
    return this.#lastSentMs;
  }

  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /**
   * How far the clock has moved since what was measured before, if this interval is right: `lowMs` at least by what any
   * earlier answer says, `highMs` at most. `undefined` where nothing was measured before.
   */
  shiftTo(interval: OffsetInterval, receivedMs: number): OffsetInterval | undefined {
    if (!this.measured) return undefined;
    return {
      lowMs: interval.lowMs - (this.#high + this.#drift * receivedMs),
      highMs: interval.highMs - (this.#low - this.#drift * receivedMs),
    };
  }

  learn(interval: OffsetInterval, sentMs: number, receivedMs: number): void {
    this.#low = Math.max(this.#low, interval.lowMs + this.#drift * receivedMs);
    this.#high = Math.min(this.#high, interval.highMs - this.#drift * receivedMs);
    this.#firstSentMs = Math.min(this.#firstSentMs, sentMs);
    this.#lastSentMs = Math.max(this.#lastSentMs, sentMs);
    this.#lastReceivedMs = Math.max(this.#lastReceivedMs, receivedMs);
    this.#best = { interval: this.#sharpened(interval, receivedMs), atMs: receivedMs };
    this.timed(receivedMs - sentMs);
  }

  /** A round trip says something of the way, whatever the clock says. */
  timed(roundTripMs: number): void {
    const smoothed = this.#roundTripMs ?? roundTripMs;
    this.#roundTripMs = smoothed + (roundTripMs - smoothed) * SMOOTHING;
  }

  /** Nothing measured so far holds any more. */
  forget(): void {
    this.#low = Number.NEGATIVE_INFINITY;
    this.#high = Number.POSITIVE_INFINITY;
    this.#firstSentMs = Number.POSITIVE_INFINITY;
    this.#lastSentMs = Number.NEGATIVE_INFINITY;
    this.#lastReceivedMs = Number.NEGATIVE_INFINITY;
    this.#best = undefined;
  }

  /** The most likely offset; `undefined` where none was measured within `maxAgeMs`. */
  offsetMs(nowMs: number, maxAgeMs: number): number | undefined {
    if (this.#best === undefined || nowMs - this.#best.atMs > maxAgeMs) return undefined;
    const { lowMs, highMs } = this.#best.interval;
    return (lowMs + highMs) / 2;
  }

  /** What the new interval and the last best estimate have in common. */
  #sharpened(interval: OffsetInterval, receivedMs: number): OffsetInterval {
    if (this.#best === undefined) return interval;
    const slackMs = this.#drift * (receivedMs - this.#best.atMs);
    const lowMs = Math.max(interval.lowMs, this.#best.interval.lowMs - slackMs);
    const highMs = Math.min(interval.highMs, this.#best.interval.highMs + slackMs);
    return lowMs <= highMs ? { lowMs, highMs } : interval;
  }
}
