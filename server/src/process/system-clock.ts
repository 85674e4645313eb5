import type { Clock, Timer } from '../core/ports.js';

/** Node's timers take 32 bits; a longer delay fires at once. Longer waits are made of several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The process's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => new SystemTimer(performance.now() + delayMs, callback),
  atTurnEnd: (callback) => void setImmediate(callback),
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
