import type { Clock, Timer } from '../core/ports.js';

/** Node's timers take 32 bits; a longer delay fires at once. Longer waits are made of several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * What is left for the end of a turn, in two rounds: what was gathered, and what that set off by promises that were
 * settled already. So an answer that needs no disk leaves in the turn of its question, not in the one after.
 */
class TurnEnds {
  #due: (() => void)[] = [];
  #round: 'none' | 'first' | 'second' = 'none';

  add(callback: () => void): void {
    this.#due.push(callback);
    if (this.#due.length === 1 && this.#round !== 'first') setImmediate(this.#first);
  }

  readonly #first = (): void => {
    this.#round = 'first';
    // Node runs ticks when all promises are settled; asked for by a promise, this one comes after those of the callbacks.
    queueMicrotask(() => process.nextTick(this.#second));
    this.#run();
  };

  readonly #second = (): void => {
    this.#round = 'second';
    this.#run();
    this.#round = 'none';
  };

  #run(): void {
    const due = this.#due;
    this.#due = [];
    for (const callback of due) callback();
  }
}

const turnEnds = new TurnEnds();

/** The process's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => new SystemTimer(performance.now() + delayMs, callback),
  atTurnEnd: (callback) => turnEnds.add(callback),
};

class SystemTimer implements Timer {
  readonly #dueMs: number;
  readonly #callback: () => void;
  #handle: NodeJS.Timeout;

  constructor(dueMs: number, callback: () => void) {
    this.#dueMs = dueMs;
    this.#callback = callback;
    this.#handle = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(): NodeJS.Timeout {
    const delayMs = Math.ceil(this.#dueMs - performance.now());
    return setTimeout(() => this.#fire(), Math.min(Math.max(delayMs, 1), MAX_TIMER_MS));
  }

  /** Node counts in whole milliseconds, beginning with the one that has already begun: it may be early by one. */
  #fire(): void {
    if (performance.now() < this.#dueMs) this.#handle = this.#arm();
    else this.#callback();
  }
}

/** Resolves when the time has passed. */
export function elapsed(clock: Pick<Clock, 'after'>, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delayMs, resolve));
}
