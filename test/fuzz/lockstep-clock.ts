import type { Clock, Timer } from '../../server/src/core/ports.js';

const MAX_TURN_ENDS = 10_000;

/** Virtual time that moves within one call, without promises: thousands of runs a second. */
export class LockstepClock implements Clock {
  #nowMs = 1_000;
  #order = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();
  readonly #turnEnds: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + 1_790_000_000_000;
  }

  after(delayMs: number, callback: () => void): Timer {
    this.#order += 1;
    const key = this.#order;
    this.#timers.set(key, { atMs: this.#nowMs + Math.max(0, delayMs), callback });
    return { cancel: () => void this.#timers.delete(key) };
  }

  atTurnEnd(callback: () => void): void {
    this.#turnEnds.push(callback);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** What has been put off to the end of the turn runs, and what that puts off. */
  endTurn(): void {
    for (let ends = 0; this.#turnEnds.length > 0; ends += 1) {
      if (ends > MAX_TURN_ENDS) throw new Error('a turn without end');
      for (const callback of this.#turnEnds.splice(0)) callback();
    }
  }

  /** Moves on, each timer in a turn of its own at its own time. `turnOver` is called after each. */
  pass(ms: number, turnOver: () => void): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#first(untilMs); next !== undefined; next = this.#first(untilMs)) {
      this.#timers.delete(next.key);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      this.endTurn();
      turnOver();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #first(untilMs: number): { readonly key: number; readonly atMs: number; readonly callback: () => void } | undefined {
    let first: { key: number; atMs: number; callback: () => void } | undefined;
    for (const [key, timer] of this.#timers) {
      if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = { key, ...timer };
    }
    return first;
  }
}
