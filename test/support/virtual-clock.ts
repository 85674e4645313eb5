import { StandingClock } from './standing-clock.js';

/** A clock that stands still until it is told to move; fits the clock ports of server and client alike. */
export class VirtualClock extends StandingClock {
  /** Jumps without running timers, as a stalled process sees it: they are due, and have not run. */
  stall(forMs: number): void {
    this.moveTo(this.nowMs() + forMs);
  }

  /** Ends turns until promises and turn-end callbacks have settled. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const due = this.takeTurnEnds();
      idle = due.length === 0 ? idle + 1 : 0;
      for (const callback of due) callback();
    }
  }

  /** Moves on, running every timer at its own time, in order. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs() + byMs;
    await this.settle();
    for (let next = this.takeFirst(untilMs); next !== undefined; next = this.takeFirst(untilMs)) {
      this.moveTo(next.atMs);
      next.callback();
      await this.settle();
    }
    this.moveTo(untilMs);
  }
}
