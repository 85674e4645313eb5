import type { Clock, Timer } from '../../server/src/core/ports.js';

/** Something that is due. */
interface Due {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until its own sort moves it: keeps what is due, and what waits for the end of a turn. */
export abstract class StandingClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #sequence = 0;
  readonly #timers = new Map<number, Due>();
  readonly #turnEnds: (() => void)[] = [];

  constructor(startMs = 1_000, wallStartMs = 1_790_000_000_000) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallStartMs - startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    this.#sequence += 1;
    const key = this.#sequence;
    this.#timers.set(key, { atMs: this.#nowMs + Math.max(0, delayMs), callback });
    return { cancel: () => void this.#timers.delete(key) };
  }

  atTurnEnd(callback: () => void): void {
    this.#turnEnds.push(callback);
  }

  /** Pending timers. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Steps the wall clock alone. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Time goes on to then, and never back. No timer runs. */
  protected moveTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** What waits for the end of the turn that ends. */
  protected takeTurnEnds(): readonly (() => void)[] {
    return this.#turnEnds.splice(0);
  }

  /** The first timer until then, in order of time and of being set. */
  protected takeFirst(untilMs: number): Due | undefined {
    let first: (Due & { readonly key: number }) | undefined;
    for (const [key, timer] of this.#timers) {
      if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = { key, ...timer };
    }
    if (first !== undefined) this.#timers.delete(first.key);
    return first;
  }
}
