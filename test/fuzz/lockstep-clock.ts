import { StandingClock } from '../support/standing-clock.js';

const MAX_TURN_ENDS = 10_000;

/** Virtual time that moves within one call, without promises: thousands of runs a second. */
export class LockstepClock extends StandingClock {
  /** What has been put off to the end of the turn runs, and what that puts off. */
  endTurn(): void {
    let due = this.takeTurnEnds();
    for (let ends = 1; due.length > 0; ends += 1) {
      if (ends > MAX_TURN_ENDS) throw new Error('a turn without end');
      for (const callback of due) callback();
      due = this.takeTurnEnds();
    }
  }

  /** Moves on, each timer in a turn of its own at its own time. `turnOver` is called after each. */
  pass(ms: number, turnOver: () => void): void {
    const untilMs = this.nowMs() + ms;
    for (let next = this.takeFirst(untilMs); next !== undefined; next = this.takeFirst(untilMs)) {
      this.moveTo(next.atMs);
      next.callback();
      this.endTurn();
      turnOver();
    }
    this.moveTo(untilMs);
  }
}
