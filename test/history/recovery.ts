import { type Court, microseconds } from './terms.js';

/** What is to be possible again, and when. */
export interface Healing {
  readonly fault: string;
  readonly resource: string;
  /** R: how long after the fault an acquire that is called then may take to be granted, in milliseconds. */
  readonly withinMs: number;
}

interface Expected {
  readonly healing: Healing;
  readonly sinceMs: number;
}

/**
 * I11: after a fault has ended, an acquire that is called after that is granted within R.
 *
 * The first such grant settles it. A grant that was asked for under the fault shows nothing, and is not counted.
 */
export class Recovery {
  /** The longest that took, of what has recovered. */
  longestMs = Number.NEGATIVE_INFINITY;
  readonly #expected = new Set<Expected>();

  constructor(private readonly court: Court) {}

  healed(healing: Healing): void {
    this.#expected.add({ healing, sinceMs: this.court.nowMs });
  }

  granted(resource: string, invokedAtMs: number): void {
    for (const each of this.#expected) {
      const { healing, sinceMs } = each;
      if (healing.resource !== resource || invokedAtMs < sinceMs) continue;
      this.#expected.delete(each);
      const tookMs = this.court.nowMs - sinceMs;
      this.longestMs = Math.max(this.longestMs, tookMs);
      if (tookMs > healing.withinMs) this.#accuse(each, `only after ${microseconds(tookMs)}`);
    }
  }

  /** Whatever could be granted has been by now. */
  finish(): void {
    for (const each of this.#expected) this.#accuse(each, 'never again');
    this.#expected.clear();
  }

  #accuse({ healing: { fault, resource, withinMs }, sinceMs }: Expected, how: string): void {
    const what = `${resource} was granted ${how} after “${fault}”, not within ${microseconds(withinMs)}`;
    this.court.accuse('I11', what, sinceMs, resource);
  }
}
