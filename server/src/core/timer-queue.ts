import type { Clock, Timer } from './ports.js';

/** What the queue knows of a deadline, whoever's it is. */
interface Pending {
  /** Where it is in the heap; -1 when it is not pending. */
  index: number;
  atMs: number;
  due(): void;
}

/**
 * Something that is due at one moment at a time. Reused for every deadline its owner has. Three of them are made for every
 * lease, so they share their handlers instead of each having a closure of its own.
 */
export class Deadline<Owner> implements Pending {
  index = -1;
  atMs = 0;
  readonly #owner: Owner;
  readonly #onDue: (owner: Owner) => void;

  constructor(owner: Owner, onDue: (owner: Owner) => void) {
    this.#owner = owner;
    this.#onDue = onDue;
  }

  /** Tells its owner's handler. */
  due(): void {
    this.#onDue(this.#owner);
  }
}

/**
 * Every deadline of the core in one binary heap over one timer of the clock.
 *
 * Deadlines are removed when they are cancelled, not left to lapse: with 100,000 leases granted and released a second
 * and a TTL of 30 s, three million dead entries would otherwise pile up.
 */
export class TimerQueue {
  readonly #clock: Clock;
  readonly #heap: Pending[] = [];
  #wake: { readonly timer: Timer; readonly atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Sets or moves a deadline. */
  set(deadline: Pending, atMs: number): void {
    deadline.atMs = atMs;
    if (deadline.index < 0) {
      deadline.index = this.#heap.length;
      this.#heap.push(deadline);
    }
    this.#siftUp(deadline.index);
    this.#siftDown(deadline.index);
    this.#arm();
  }

  /** Cancels a deadline; nothing happens if it is not pending. */
  cancel(deadline: Pending): void {
    const index = deadline.index;
    if (index < 0) return;
    deadline.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === deadline) return;
    this.#place(last, index);
    this.#siftUp(index);
    this.#siftDown(last.index);
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined) return;
    if (this.#wake !== undefined) {
      if (this.#wake.atMs <= first.atMs) return;
      this.#wake.timer.cancel();
    }
    const timer = this.#clock.after(first.atMs - this.#clock.nowMs(), () => this.#run());
    this.#wake = { timer, atMs: first.atMs };
  }

  /** Runs whatever is due. After a stall, input may be seen before the clock's timer fires: call this first. */
  runDue(): void {
    const first = this.#heap[0];
    if (first !== undefined && first.atMs <= this.#clock.nowMs()) this.#drain();
  }

  #run(): void {
    this.#wake = undefined;
    this.#drain();
  }

  #drain(): void {
    const nowMs = this.#clock.nowMs();
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= nowMs; first = this.#heap[0]) {
      this.cancel(first);
      first.due();
    }
    this.#arm();
  }

  #place(deadline: Pending, index: number): void {
    this.#heap[index] = deadline;
    deadline.index = index;
  }

  #siftUp(from: number): void {
    const moving = this.#heap[from];
    if (moving === undefined) return;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex];
      if (parent === undefined || parent.atMs <= moving.atMs) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(moving, index);
  }

  #siftDown(from: number): void {
    const moving = this.#heap[from];
    if (moving === undefined) return;
    let index = from;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      if (left === undefined) break;
      const right = this.#heap[2 * index + 2];
      const child = right !== undefined && right.atMs < left.atMs ? right : left;
      if (child.atMs >= moving.atMs) break;
      const childIndex = child.index;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(moving, index);
  }
}
