import { invariant } from '../../core/invariant.js';
import type { Clock } from '../../core/ports.js';

const MICROSECONDS_PER_MS = 1000;
const GREATEST_TOKEN = 2n ** 64n - 1n;

/**
 * Makes fencing tokens: max(last + 1, wall clock in µs).
 *
 * The first term keeps them rising whatever the clock does; the second keeps them above those that a restored backup has
 * forgotten, as long as the clock has not gone back as well.
 */
export class TokenSource {
  #last: bigint;

  /** `last` is the greatest token ever assigned, as far as the disk knows. */
  constructor(
    private readonly clock: Pick<Clock, 'wallMs'>,
    last: bigint,
  ) {
    this.#last = last;
  }

  /** The greatest token assigned so far. */
  get last(): bigint {
    return this.#last;
  }

  next(): bigint {
    const wallMicros = BigInt(Math.max(0, Math.floor(this.clock.wallMs() * MICROSECONDS_PER_MS)));
    const token = wallMicros > this.#last ? wallMicros : this.#last + 1n;
    invariant(token > this.#last && token <= GREATEST_TOKEN, 'S2', () => `token ${token} after ${this.#last}`);
    this.#last = token;
    return token;
  }
}
