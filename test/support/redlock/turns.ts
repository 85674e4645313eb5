import { nowUs } from '../../history/events.js';
import type { History } from '../../history/history.js';
import { HistoryRecord } from '../../history/record.js';

const NAME = 'contended';
/** A turn is asked for and had at once, as far as the checker is concerned; how long it was waited for is not its matter. */
const WAIT_MS = 0;

/** Milliseconds of the process's monotonic clock. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The turns that contenders for one name had, and what they did in them to something that bears no company. */
export class Turns {
  readonly #record = new HistoryRecord();
  readonly #counts = new Map<string, number>();
  #turns = 0;
  #counter = 0;
  #tooLate = 0;

  /**
   * Has a turn: reads a counter, does the work, and writes back one more. `mayUntilMs` is when the belief ends if it does
   * not end before, with the work; a turn that took longer than that has changed nothing.
   *
   * Not everybody who contends has tokens, so the turns are numbered for the checker: of it, beliefs alone are asked (I3).
   */
  async have(who: string, mayUntilMs: number, work: () => Promise<unknown>): Promise<void> {
    this.#turns += 1;
    const turn = String(this.#turns);
    const operation = { client: who, operation: turn };
    this.#record.add({ kind: 'invoke', ...operation, resource: NAME, waitMs: WAIT_MS });
    const deadlineUs = nowUs() + Math.floor((mayUntilMs - monotonicMs()) * 1_000);
    this.#record.add({ kind: 'grant', ...operation, token: turn, deadlineUs });
    const seen = this.#counter;
    await work();
    const isInTime = monotonicMs() < mayUntilMs;
    if (isInTime) this.#counter = seen + 1;
    else this.#tooLate += 1;
    this.#record.add({ kind: 'release_call', client: who, resource: NAME, token: turn });
    this.#counts.set(who, this.of(who) + 1);
  }

  /** How many turns somebody had. */
  of(who: string): number {
    return this.#counts.get(who) ?? 0;
  }

  /** Turns whose writing was overwritten by another. */
  get lost(): number {
    return this.#turns - this.#tooLate - this.#counter;
  }

  /** What the checker says of all turns. */
  get judged(): History {
    return this.#record.judged();
  }
}
