import type { SeededRandom } from './seeded-random.js';

interface WorldEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time moves on by that much at least, where it has to move on at all. */
const LEAST_STEP_MS = 1e-6;

/** One line of a run, for the replay of a seed. */
export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  /** The resource it concerns; `undefined`: everybody. */
  readonly about: string | undefined;
}

/**
 * True time and everything that happens in it, in one queue. An event runs, then everything it set off settles, then
 * the next one runs: no real timer, no socket, the same order for the same seed.
 */
export class World {
  readonly trace: TraceLine[] = [];
  nowMs = 0;
  #order = 0;
  readonly #events: WorldEvent[] = [];
  readonly #processes = new Set<SimProcess>();

  constructor(
    readonly random: SeededRandom,
    /** Whoever can say more than usual is to say it. */
    readonly isReplay = false,
  ) {}

  at(atMs: number, run: () => void): void {
    this.#order += 1;
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.#order, run };
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

  join(process: SimProcess): void {
    this.#processes.add(process);
  }

  note(who: string, what: string, about?: string): void {
    this.trace.push({ atMs: this.nowMs, who, what, about });
  }

  /** True time as a clock, for what belongs to no process: a network, a Redis. */
  after(delayMs: number, callback: () => void): { cancel(): void } {
    let live = true;
    this.at(this.nowMs + Math.max(0, delayMs), () => {
      if (live) callback();
    });
    return {
      cancel: () => {
        live = false;
      },
    };
  }

  /** Runs until the time has come or nothing is left to happen. */
  async runUntil(untilMs: number): Promise<void> {
    await this.#settle();
    for (let first = this.#events[0]; first !== undefined && first.atMs <= untilMs; first = this.#events[0]) {
      this.#pop();
      this.nowMs = first.atMs;
      first.run();
      await this.#settle();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  async #settle(): Promise<void> {
    do await new Promise<void>((resolve) => setImmediate(resolve));
    while ([...this.#processes].some((process) => process.endTurn()));
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

/** How a process's clock differs from true time. */
export interface ClockFault {
  /** Its rate: 1 is true. */
  readonly rate: number;
  /** Its reading at the beginning. */
  readonly startMs: number;
}

/**
 * One process of the simulation: a clock of its own, and events that wait while it is paused. At the end of a pause what
 * has piled up runs in a random order, timers and data alike, except that one connection's messages keep theirs.
 */
export class SimProcess {
  paused = false;
  /** Which life this is; a restart begins another. */
  generation = 0;
  /** True time that passed while its machine slept. */
  #sleptMs = 0;
  #asleepSinceMs: number | undefined;
  #backlog: { readonly channel: object | undefined; readonly run: () => void }[] = [];
  #turnEnds: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly name: string,
    private readonly fault: ClockFault,
  ) {
    world.join(this);
  }

  /** The monotonic clock. It stands still while the machine sleeps. */
  nowMs(): number {
    const { nowMs } = this.world;
    const sleepingMs = this.#asleepSinceMs === undefined ? 0 : nowMs - this.#asleepSinceMs;
    return this.fault.startMs + (nowMs - this.#sleptMs - sleepingMs) * this.fault.rate;
  }

  /** The wall clock runs on. */
  wallMs(): number {
    return 1_790_000_000_000 + this.fault.startMs + this.world.nowMs * this.fault.rate;
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    let live = true;
    const dueMs = this.nowMs() + Math.max(0, delayMs);
    const ring = (): void => {
      if (!live) return;
      const leftMs = dueMs - this.nowMs();
      // The machine has slept meanwhile, or fractions were rounded: a timer is never early.
      if (leftMs <= 0) callback();
      else this.schedule(this.world.nowMs + Math.max(leftMs / this.fault.rate, LEAST_STEP_MS), undefined, ring);
    };
    this.schedule(this.world.nowMs + Math.max(0, delayMs) / this.fault.rate, undefined, ring);
    return {
      cancel: () => {
        live = false;
      },
    };
  }

  atTurnEnd(callback: () => void): void {
    this.#turnEnds.push(callback);
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

  /** Runs what was left for the end of the turn; false when there was nothing. */
  endTurn(): boolean {
    const due = this.#turnEnds;
    if (due.length === 0) return false;
    this.#turnEnds = [];
    for (const callback of due) callback();
    return true;
  }

  /** It stands still; `sleep`: its machine does, and with it the monotonic clock. */
  pause(how: 'stop' | 'sleep' = 'stop'): void {
    this.paused = true;
    if (how === 'sleep') this.#asleepSinceMs = this.world.nowMs;
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

  #wake(): void {
    if (this.#asleepSinceMs !== undefined) this.#sleptMs += this.world.nowMs - this.#asleepSinceMs;
    this.#asleepSinceMs = undefined;
  }
}
