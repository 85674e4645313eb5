import type { Clock } from '../core/ports.js';

/** Something with frames to send. */
export interface Flushable {
  flush(): void;
}

/**
 * Flushes every stream that has something to send once, at the end of the event loop's turn: all frames made in a turn
 * leave a stream in one message.
 */
export class TurnFlusher {
  readonly #clock: Pick<Clock, 'atTurnEnd'>;
  #due = new Set<Flushable>();

  constructor(clock: Pick<Clock, 'atTurnEnd'>) {
    this.#clock = clock;
  }

  /** Flushes `stream` at the end of this turn. */
  schedule(stream: Flushable): void {
    if (this.#due.size === 0) this.#clock.atTurnEnd(this.#flushAll);
    this.#due.add(stream);
  }

  readonly #flushAll = (): void => {
    const due = this.#due;
    this.#due = new Set();
    for (const stream of due) stream.flush();
  };
}
