/** When a frame was sent, at the latest: just before its message was written. */
export interface SentAt {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

interface Entry extends SentAt {
  readonly firstId: number;
}

/** Frames this close together share an entry, and so the time of the first of them. */
const COALESCE_MS = 1;
/** Beyond this every second one of the older half goes; its frames then count as sent a little earlier. */
const MAX_ENTRIES = 4_096;

/**
 * When the frames of a stream were sent. A validity counts from such a moment, so an answer never depends on how long
 * it was under way. Wherever this forgets, a frame counts as sent earlier than it was, or is not known at all: both
 * shorten a validity.
 */
export class SendTimes {
  #entries: Entry[] = [];
  #lastId = 0;

  /** Starts over, for a new stream. */
  clear(): void {
    this.#entries = [];
    this.#lastId = 0;
  }

  /** A message with the frames `firstId` to `lastId` is about to be written. */
  sent(firstId: number, lastId: number, at: SentAt): void {
    this.#lastId = lastId;
    const previous = this.#entries.at(-1);
    if (previous !== undefined && at.monotonicMs - previous.monotonicMs < COALESCE_MS) return;
    if (this.#entries.length >= MAX_ENTRIES) this.#thin();
    this.#entries.push({ firstId, monotonicMs: at.monotonicMs, wallMs: at.wallMs });
  }

  /** Forgets what was sent before this moment. */
  prune(beforeMs: number): void {
    const keepFrom = this.#entries.findIndex(({ monotonicMs }) => monotonicMs >= beforeMs);
    if (keepFrom > 0) this.#entries.splice(0, keepFrom);
    else if (keepFrom < 0) this.#entries = [];
  }

  /** When this frame was sent; `undefined` when that is not known (any more), so that nothing can be counted from it. */
  find(id: number): SentAt | undefined {
    if (id > this.#lastId) return undefined;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.firstId <= id) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low - 1];
  }

  #thin(): void {
    const half = this.#entries.length / 2;
    this.#entries = this.#entries.filter((_, index) => index >= half || index % 2 === 0);
  }
}
