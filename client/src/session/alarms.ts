import type { Clock, Timer } from './ports.js';

/** Something that is due at one moment, or not at all. Set and cleared through `Alarms`. */
export class Alarm {
  dueMs = 0;
  /** Its place in the heap; -1 when it is not set. */
  slot = -1;

  constructor(readonly ring: () => void) {}
}

/**
 * All moments a session waits for, on a single timer: a heap, so that setting and clearing cost the logarithm of what
 * is pending, and an acquire that ends soon never costs a timer of its own.
 */
export class Alarms {
  readonly #heap: Alarm[] = [];
  #timer: Timer | undefined;
  /** When the pending timer wakes; it may wake early, never late. */
  #wakesMs = Number.POSITIVE_INFINITY;
  #ringing = false;

  constructor(private readonly clock: Clock) {}

  /** How many alarms are set. */
  get size(): number {
    return this.#heap.length;
  }

  /** Sets an alarm, or moves it. */
  set(alarm: Alarm, dueMs: number): void {
    const earlier = alarm.slot < 0 || dueMs < alarm.dueMs;
    alarm.dueMs = dueMs;
    if (alarm.slot < 0) {
      alarm.slot = this.#heap.length;
      this.#heap.push(alarm);
    }
    if (earlier) this.#up(alarm);
    else this.#down(alarm);
    this.#arm();
  }

  clear(alarm: Alarm): void {
    if (alarm.slot >= 0) this.#remove(alarm);
  }

  /** Clears every alarm. */
  stop(): void {
    for (const alarm of this.#heap) alarm.slot = -1;
    this.#heap.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wakesMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || this.#ringing || this.#wakesMs <= next.dueMs) return;
    this.#timer?.cancel();
    this.#wakesMs = next.dueMs;
    this.#timer = this.clock.after(Math.max(0, next.dueMs - this.clock.nowMs()), () => this.#wake());
  }

  #wake(): void {
    this.#timer = undefined;
    this.#wakesMs = Number.POSITIVE_INFINITY;
    this.#ringing = true;
    try {
      const nowMs = this.clock.nowMs();
      for (let next = this.#heap[0]; next !== undefined && next.dueMs <= nowMs; next = this.#heap[0]) {
        this.#remove(next);
        next.ring();
      }
    } finally {
      this.#ringing = false;
      this.#arm();
    }
  }

  #remove(alarm: Alarm): void {
    const { slot } = alarm;
    const last = this.#heap.pop();
    alarm.slot = -1;
    if (last === undefined || last === alarm) return;
    this.#heap[slot] = last;
    last.slot = slot;
    this.#up(last);
    this.#down(last);
  }

  #up(alarm: Alarm): void {
    for (let { slot } = alarm; slot > 0; slot = alarm.slot) {
      const parent = this.#heap[(slot - 1) >> 1];
      if (parent === undefined || parent.dueMs <= alarm.dueMs) return;
      this.#swap(alarm, parent);
    }
  }

  #down(alarm: Alarm): void {
    for (;;) {
      const left = this.#heap[2 * alarm.slot + 1];
      const right = this.#heap[2 * alarm.slot + 2];
      const child = right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left;
      if (child === undefined || alarm.dueMs <= child.dueMs) return;
      this.#swap(alarm, child);
    }
  }

  #swap(a: Alarm, b: Alarm): void {
    const { slot } = a;
    a.slot = b.slot;
    b.slot = slot;
    this.#heap[a.slot] = a;
    this.#heap[b.slot] = b;
  }
}
