import type { SeededRandom } from './seeded-random.js';

interface WorldEvent {
  readonly atMs: number;
  readonly order: number;
  run(): void;
}

/** One line of a run, for the replay of a seed. */
export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  /** The resource it concerns; `undefined`: everybody. */
  readonly about: string | undefined;
}

/** Somebody who has things to do when all that came with an event has been seen. */
export interface TurnTaker {
  endTurn(): void;
}

/** Something that is to happen, unless it is cancelled before. */
export class Alarm {
  live = true;

  cancel(): void {
    this.live = false;
  }
}

class Ringing extends Alarm implements WorldEvent {
  constructor(
    readonly atMs: number,
    readonly order: number,
    private readonly callback: () => void,
  ) {
    super();
  }

  run(): void {
    if (this.live) this.callback();
  }
}

/** Node runs so many steps of the world before it looks for sockets and timers, of which there are none. */
const STEPS_AT_A_TIME = 256;

/**
 * True time and everything that happens in it, in one queue. An event runs, then everything it set off settles, then
 * the next one runs: no real timer, no socket, the same order for the same seed.
 */
export class World {
  readonly trace: TraceLine[] = [];
  nowMs = 0;
  #order = 0;
  readonly #events: WorldEvent[] = [];
  #turnTakers: TurnTaker[] = [];

  constructor(
    readonly random: SeededRandom,
    /** Whoever can say more than usual is to say it. */
    readonly isReplay = false,
  ) {}

  at(atMs: number, run: () => void): void {
    this.#order += 1;
    this.#put({ atMs: Math.max(atMs, this.nowMs), order: this.#order, run });
  }

  /** Once what is happening has settled, and before the next event. */
  atTurnEnd(taker: TurnTaker): void {
    this.#turnTakers.push(taker);
  }

  note(who: string, what: string, about?: string): void {
    this.trace.push({ atMs: this.nowMs, who, what, about });
  }

  /** True time as a clock, for what belongs to no process: a network, a Redis. */
  after(delayMs: number, callback: () => void): Alarm {
    this.#order += 1;
    const alarm = new Ringing(this.nowMs + Math.max(0, delayMs), this.#order, callback);
    this.#put(alarm);
    return alarm;
  }

  /** Runs until the time has come, nothing is left to happen, or it is over for another reason. */
  runUntil(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      let planned = 0;
      let done = false;
      const take = (): void => {
        planned -= 1;
        if (done) return;
        try {
          done = !this.#step(untilMs, isOver);
        } catch (error) {
          done = true;
          reject(error);
        }
        if (done) resolve();
        else if (planned === 0) plan();
      };
      // Between two of these Node settles every promise.
      const plan = (): void => {
        while (planned < STEPS_AT_A_TIME) {
          planned += 1;
          setImmediate(take);
        }
      };
      plan();
    });
  }

  /** One event, or what is to be done at the end of one; false when there is nothing more to do. */
  #step(untilMs: number, isOver: () => boolean): boolean {
    if (this.#turnTakers.length > 0) {
      const takers = this.#turnTakers;
      this.#turnTakers = [];
      for (const taker of takers) taker.endTurn();
      return true;
    }
    const [first] = this.#events;
    if (isOver()) return false;
    if (first === undefined || first.atMs > untilMs) {
      this.nowMs = Math.max(this.nowMs, untilMs);
      return false;
    }
    this.#pop();
    this.nowMs = first.atMs;
    first.run();
    return true;
  }

  #put(event: WorldEvent): void {
    let index = this.#events.length;
    this.#events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#events[parent];
      if (above === undefined || !isBefore(event, above)) break;
      this.#events[index] = above;
      index = parent;
    }
    this.#events[index] = event;
  }

  #pop(): void {
    const last = this.#events.pop();
    if (last === undefined || this.#events.length === 0) return;
    let index = 0;
    for (;;) {
      const left = this.#events[2 * index + 1];
      const right = this.#events[2 * index + 2];
      if (left === undefined) break;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, last)) break;
      this.#events[index] = child;
      index = child === left ? 2 * index + 1 : 2 * index + 2;
    }
    this.#events[index] = last;
  }
}

function isBefore(left: WorldEvent, right: WorldEvent): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
