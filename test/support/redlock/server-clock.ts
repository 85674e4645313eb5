import type { Clock, Timer } from '../../../server/src/core/ports.js';

/**
 * The clock of one server among several in a virtual world: it runs at its own rate, can lose time, and its process can
 * stand still while the world goes on.
 */
export class ServerClock implements Clock {
  #shiftMs = 0;
  #stalled = false;
  readonly #timersDue: (() => void)[] = [];
  readonly #inputs: (() => void)[] = [];

  constructor(
    private readonly world: Clock,
    private readonly rate = 1,
  ) {}

  nowMs(): number {
    return this.world.nowMs() * this.rate + this.#shiftMs;
  }

  wallMs(): number {
    return this.world.wallMs();
  }

  after(delayMs: number, callback: () => void): Timer {
    let cancelled = false;
    const due = (): void => {
      if (!cancelled) callback();
    };
    const timer = this.world.after(delayMs / this.rate, () => {
      if (this.#stalled) this.#timersDue.push(due);
      else due();
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  atTurnEnd(callback: () => void): void {
    this.world.atTurnEnd(callback);
  }

  /** What comes in: taken now, or when the process goes on. Fits `Inbox`. */
  readonly inbox = (take: () => void): void => {
    if (this.#stalled) this.#inputs.push(take);
    else take();
  };

  /** The process stands still: time passes, answers wait in buffers. */
  stall(): void {
    this.#stalled = true;
  }

  /** It goes on: timers that are due first, then what came in, as an event loop does. */
  goOn(): void {
    this.#stalled = false;
    for (const due of this.#timersDue.splice(0)) due();
    for (const take of this.#inputs.splice(0)) take();
  }

  /** The monotonic clock jumps, as one that stands still while its machine is suspended seems to (negative). */
  shift(byMs: number): void {
    this.#shiftMs += byMs;
  }
}
