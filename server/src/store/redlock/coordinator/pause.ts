import type { Clock, Timer } from '../../../core/ports.js';

/** Beyond this, calls are not held any more: they are refused as they would be without a pause. */
const MAX_HELD = 4_096;

/**
 * Holds calls for the moment in which the server measures its clocks anew, so that a short stall costs its clients a little
 * time and no refusal. What is still held at the deadline goes on, and meets the obstacle.
 */
export class Pause {
  readonly #held: (() => void)[] = [];
  #deadline: Timer | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'after'>,
    private readonly deadlineMs: number,
  ) {}

  hold(call: () => void): void {
    if (this.#held.length >= MAX_HELD) {
      call();
      return;
    }
    this.#held.push(call);
    this.#deadline ??= this.clock.after(this.deadlineMs, () => this.end());
  }

  /** Lets everything go on. */
  end(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
    for (const call of this.#held.splice(0)) call();
  }
}
