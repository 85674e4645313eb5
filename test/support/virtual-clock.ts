/** A clock that stands still until it is told to move; fits the clock ports of server and client alike. */
export class VirtualClock {
  #nowMs: number;
  #wallOffsetMs: number;
  #sequence = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();
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

  after(delayMs: number, callback: () => void): { cancel(): void } {
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

  /** Jumps without running timers, as a stalled process sees it: they are due, and have not run. */
  stall(forMs: number): void {
    this.#nowMs += forMs;
  }

  /** Ends turns until promises and turn-end callbacks have settled. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const due = this.#turnEnds.splice(0);
      idle = due.length === 0 ? idle + 1 : 0;
      for (const callback of due) callback();
    }
  }

  /** Moves on, running every timer at its own time, in order. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await this.settle();
    for (let next = this.#earliest(untilMs); next !== undefined; next = this.#earliest(untilMs)) {
      this.#timers.delete(next.key);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await this.settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #earliest(
    untilMs: number,
  ): { readonly key: number; readonly atMs: number; readonly callback: () => void } | undefined {
    let best: { key: number; atMs: number; callback: () => void } | undefined;
    for (const [key, timer] of this.#timers) {
      if (timer.atMs <= untilMs && (best === undefined || timer.atMs < best.atMs)) best = { key, ...timer };
    }
    return best;
  }
}
