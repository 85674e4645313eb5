/** Milliseconds of the process's monotonic clock. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** From when until when somebody believed to be alone. */
export interface Turn {
  readonly who: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** The turns that contenders for one name had, and what they did in them to something that bears no company. */
export class Turns {
  readonly #all: Turn[] = [];
  #counter = 0;
  #tooLate = 0;

  /**
   * Has a turn: reads a counter, does the work, and writes back one more. `mayUntilMs` is when the belief ends if it does
   * not end before, with the work; a turn that took longer than that has changed nothing.
   */
  async have(who: string, mayUntilMs: number, work: () => Promise<unknown>): Promise<void> {
    const sinceMs = monotonicMs();
    const seen = this.#counter;
    await work();
    const nowMs = monotonicMs();
    if (nowMs < mayUntilMs) this.#counter = seen + 1;
    this.#all.push({ who, sinceMs, untilMs: Math.min(nowMs, mayUntilMs) });
    if (nowMs >= mayUntilMs) this.#tooLate += 1;
  }

  get all(): readonly Turn[] {
    return this.#all;
  }

  /** Turns whose writing was overwritten by another. */
  get lost(): number {
    return this.#all.length - this.#tooLate - this.#counter;
  }

  of(who: string): readonly Turn[] {
    return this.#all.filter((turn) => turn.who === who);
  }

  /** Pairs that believed it both at a time, in words. */
  get overlaps(): readonly string[] {
    const inOrder = [...this.#all].sort((one, other) => one.sinceMs - other.sinceMs);
    return inOrder.flatMap((turn, index) => {
      const next = inOrder[index + 1];
      if (next === undefined || next.sinceMs >= turn.untilMs) return [];
      return [`${next.who} came ${(turn.untilMs - next.sinceMs).toFixed(3)} ms before the end of ${turn.who}`];
    });
  }

  /** The longest that somebody went without a turn, from the first turn of all to the last. */
  longestWaitMs(who: string): number {
    const from = this.#all.reduce((least, { sinceMs }) => Math.min(least, sinceMs), Number.POSITIVE_INFINITY);
    const to = this.#all.reduce((most, { untilMs }) => Math.max(most, untilMs), 0);
    const ends = [from, ...this.of(who).map(({ untilMs }) => untilMs)];
    const starts = [...this.of(who).map(({ sinceMs }) => sinceMs), to];
    return Math.max(...ends.map((end, index) => (starts[index] ?? to) - end));
  }
}
