import { Alarm, type World } from './world.js';

/** Time moves on by that much at least, where it has to move on at all. */
const LEAST_STEP_MS = 1e-6;
const EPOCH_MS = 1_790_000_000_000;

/** How a process's clock differs from true time. */
export interface ClockFault {
  /** Its rate: 1 is true. */
  readonly rate: number;
  /** Its reading at the beginning. */
  readonly startMs: number;
}

interface Waiting {
  readonly channel: object | undefined;
  readonly run: () => void;
}

/**
 * One process of the simulation: clocks of its own, and events that wait while it is paused. At the end of a pause what
 * has piled up runs in a random order, timers and data alike, except that one connection's messages keep theirs.
 */
export class SimProcess {
  paused = false;
  /** Which life this is; a restart begins another. */
  generation = 0;
  #rate: number;
  /** What its clocks showed at a moment of true time. */
  #monotonicMs: number;
  #wallMs: number;
  #sinceMs: number;
  /** Its machine sleeps. */
  #asleep = false;
  /** When it woke, each time. */
  readonly #wokenMs: number[] = [];
  #setBackMs = Number.NEGATIVE_INFINITY;
  #backlog: Waiting[] = [];
  #turnEnds: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly name: string,
    { rate, startMs }: ClockFault,
  ) {
    this.#rate = rate;
    this.#monotonicMs = startMs;
    this.#wallMs = EPOCH_MS + startMs;
    this.#sinceMs = world.nowMs;
  }

  /** The monotonic clock. It stands still while the machine sleeps. */
  nowMs(): number {
    return this.#asleep ? this.#monotonicMs : this.#monotonicMs + this.#passedMs();
  }

  /** The wall clock runs on. */
  wallMs(): number {
    return this.#wallMs + this.#passedMs();
  }

  /** The last moment of true time at which its machine slept. */
  get sleptMs(): number {
    return this.#asleep ? this.world.nowMs : (this.#wokenMs.at(-1) ?? Number.NEGATIVE_INFINITY);
  }

  /** How often its machine has slept since, the sleep that was under way then included. */
  sleepsSince(atMs: number): number {
    return this.#wokenMs.filter((wokenMs) => wokenMs >= atMs).length + (this.#asleep ? 1 : 0);
  }

  /** The last moment of true time at which its wall clock was set back. */
  get setBackMs(): number {
    return this.#setBackMs;
  }

  get rate(): number {
    return this.#rate;
  }

  /** From now on its clocks run at another rate. */
  setRate(rate: number): void {
    this.#keepTime();
    this.#rate = rate;
  }

  /** Somebody sets the wall clock. */
  stepWall(byMs: number): void {
    this.#wallMs += byMs;
    if (byMs < 0) this.#setBackMs = this.world.nowMs;
  }

  after(delayMs: number, callback: () => void): Alarm {
    const alarm = new Alarm();
    this.#ringAt(this.nowMs() + Math.max(0, delayMs), Math.max(0, delayMs), alarm, callback);
    return alarm;
  }

  atTurnEnd(callback: () => void): void {
    if (this.#turnEnds.length === 0) this.world.atTurnEnd(this);
    this.#turnEnds.push(callback);
  }

  /** Runs what was left for the end of the turn. */
  endTurn(): void {
    const due = this.#turnEnds;
    this.#turnEnds = [];
    for (const callback of due) callback();
  }

  /** Something happens to this process at a true time; later, if it is paused then; never, if it has died by then. */
  schedule(atMs: number, channel: object | undefined, run: () => void, generation = this.generation): void {
    this.world.at(atMs, () => this.take(channel, run, generation));
  }

  /** Something happens to this process now. */
  take(channel: object | undefined, run: () => void, generation = this.generation): void {
    if (generation !== this.generation) return;
    if (this.paused) this.#backlog.push({ channel, run });
    else run();
  }

  /** It stands still; `sleep`: its machine does, and with it the monotonic clock. */
  pause(how: 'stop' | 'sleep' = 'stop'): void {
    this.paused = true;
    if (how === 'sleep') {
      this.#keepTime();
      this.#asleep = true;
    }
    this.world.note(this.name, how === 'sleep' ? 'falls asleep' : 'paused');
  }

  resume(): void {
    this.#wake();
    this.paused = false;
    this.world.note(this.name, 'goes on');
    const backlog = this.#backlog;
    this.#backlog = [];
    while (backlog.length > 0) {
      const index = Math.floor(this.world.random.unit() * backlog.length);
      const chosen = backlog[index];
      const first = backlog.findIndex((item) => item === chosen || (item.channel && item.channel === chosen?.channel));
      const [item] = backlog.splice(first, 1);
      if (item !== undefined) this.schedule(this.world.nowMs, item.channel, item.run);
    }
  }

  /** Forgets everything that was to happen to it. */
  kill(): void {
    this.generation += 1;
    this.#backlog = [];
    this.#turnEnds = [];
    this.#wake();
    this.paused = false;
    this.world.note(this.name, 'killed');
  }

  #ringAt(dueMs: number, inMs: number, alarm: Alarm, callback: () => void): void {
    this.schedule(this.world.nowMs + inMs / this.#rate, undefined, () => {
      if (!alarm.live) return;
      const leftMs = dueMs - this.nowMs();
      // The machine has slept meanwhile, its clock goes slower, or fractions were rounded: a timer is never early.
      if (leftMs <= 0) callback();
      else this.#ringAt(dueMs, Math.max(leftMs, LEAST_STEP_MS), alarm, callback);
    });
  }

  #passedMs(): number {
    return (this.world.nowMs - this.#sinceMs) * this.#rate;
  }

  #keepTime(): void {
    this.#monotonicMs = this.nowMs();
    this.#wallMs = this.wallMs();
    this.#sinceMs = this.world.nowMs;
  }

  #wake(): void {
    this.#keepTime();
    if (this.#asleep) this.#wokenMs.push(this.world.nowMs);
    this.#asleep = false;
  }
}
