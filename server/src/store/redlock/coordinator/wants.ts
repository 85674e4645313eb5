/** A want that was not repeated for so long has been given up. Longer than the longest pause between two bids. */
const GIVEN_UP_MS = 1_000;
/** When there are more than these, those given up are thrown away. */
const SWEEP_ABOVE = 4_096;

interface Want {
  readonly sinceUs: number;
  repeatedMs: number;
}

/**
 * Since when requests of this server have been waiting for what others hold, by the nodes' time: the oldest want of all
 * servers goes first when a resource becomes free.
 */
export class Wants {
  readonly #byKey = new Map<string, Want>();

  /** Notes that somebody waits, and answers since when; `medianUs` if nobody has so far. */
  since(key: string, medianUs: number, nowMs: number): number {
    const known = this.#byKey.get(key);
    if (known !== undefined && nowMs - known.repeatedMs < GIVEN_UP_MS) {
      known.repeatedMs = nowMs;
      return known.sinceUs;
    }
    if (this.#byKey.size > SWEEP_ABOVE) this.#sweep(nowMs);
    const sinceUs = Math.floor(medianUs);
    this.#byKey.set(key, { sinceUs, repeatedMs: nowMs });
    return sinceUs;
  }

  /** This server has had its turn. */
  fulfilled(key: string): void {
    this.#byKey.delete(key);
  }

  #sweep(nowMs: number): void {
    for (const [key, { repeatedMs }] of this.#byKey) {
      if (nowMs - repeatedMs >= GIVEN_UP_MS) this.#byKey.delete(key);
    }
  }
}
