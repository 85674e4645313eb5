import type { Clock, Timer } from './session/ports.js';

/** The longest delay Node's timers know. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The process's clocks and timers. Its timers alone never keep the process alive. */
export class SystemClock implements Clock {
  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, Math.min(Math.ceil(delayMs), MAX_DELAY_MS)).unref();
    return { cancel: () => clearTimeout(timer) };
  }

  atTurnEnd(callback: () => void): void {
    setImmediate(callback);
  }
}

/** Keeps the process alive while something is under way, also when there is no connection that would. */
export class KeepAlive {
  #timer: NodeJS.Timeout | undefined;

  set(engaged: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = engaged ? setTimeout(() => this.set(true), MAX_DELAY_MS) : undefined;
  }
}
