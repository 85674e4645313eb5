import type { Clock } from './ports.js';
import type { SentAt } from './send-times.js';

/**
 * How long something may be relied on, by two clocks. The monotonic one decides. The wall clock runs on while a machine
 * is suspended, so where more time has passed by it, less is left; it never adds any.
 */
export class Deadline {
  #monotonicMs: number;
  #wallMs: number;

  constructor(anchor: SentAt, durationMs: number) {
    this.#monotonicMs = anchor.monotonicMs + durationMs;
    this.#wallMs = anchor.wallMs + durationMs;
  }

  /** Moves on to `durationMs` after another anchor, unless that is earlier. */
  raise(anchor: SentAt, durationMs: number): void {
    const monotonicMs = anchor.monotonicMs + durationMs;
    if (monotonicMs <= this.#monotonicMs) return;
    this.#monotonicMs = monotonicMs;
    this.#wallMs = anchor.wallMs + durationMs;
  }

  /** What is left; negative when it is over. */
  remainingMs(clock: Clock): number {
    return Math.min(this.#monotonicMs - clock.nowMs(), this.#wallMs - clock.wallMs());
  }
}
