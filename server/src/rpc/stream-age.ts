import type { Failure } from '../core/failure.js';
import type { Clock, Random, Timer } from '../core/ports.js';

/** What a stream is asked when it has been open for long. */
export interface AgingStream {
  /** Asks the client to open another stream within that time. */
  askToMove(withinMs: number): void;
  /** Ends a stream whose client did not. */
  endTooOld(failure: Failure): void;
}

export interface StreamAgeSettings {
  /** A stream is asked to move when it is this old, give or take a tenth; never with `Infinity`. */
  readonly maxConnectionAgeMs: number;
  /** How long it may take to move. */
  readonly moveWithinMs: number;
}

/** Streams opened together are not to move together. */
const JITTER = 0.1;

/**
 * Has clients open new streams from time to time, so that those behind a balancer come to servers that were added since. Asking
 * comes first: a connection that is simply closed takes what is under way on it along.
 */
export class StreamAge {
  constructor(
    private readonly clock: Pick<Clock, 'after'>,
    private readonly random: Pick<Random, 'unit'>,
    private readonly settings: StreamAgeSettings,
  ) {}

  /** Watches a stream that has just been opened; the result is to be called when it is over. */
  watch(stream: AgingStream): () => void {
    const { maxConnectionAgeMs, moveWithinMs } = this.settings;
    if (maxConnectionAgeMs === Infinity) return () => undefined;
    const ageMs = maxConnectionAgeMs * (1 - JITTER + 2 * JITTER * this.random.unit());
    let timer: Timer = this.clock.after(ageMs, () => {
      stream.askToMove(moveWithinMs);
      timer = this.clock.after(moveWithinMs, () => stream.endTooOld(tooOld()));
    });
    return () => timer.cancel();
  }
}

function tooOld(): Failure {
  const message =
    'this stream has been open for as long as the server lets one be; open another and resume the session';
  return { reason: 'DRAINING', message, retryAfterMs: 0 };
}
