import type { Clock } from './ports.js';

/** Hand-offs in a row while another server wants the resource. */
const MOST_IN_A_ROW = 8;
/** How long hand-offs may go on after the first of them that another server had to watch. */
const MOST_MS = 250;
/** How long to stay out afterwards: longer than others wait between two tries. */
const STAY_OUT_MS = 200;

/**
 * Hand-offs go past whoever waits at another server, so that they are cheap. Here they are counted, and after so many in
 * a row, or so long, others have their turn (L2).
 */
export class Bypass {
  #inARow = 0;
  #sinceMs = 0;
  #outUntilMs = 0;

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {}

  /** A hand-off was answered; `wanted`: another server wants the resource. */
  handedOff(wanted: boolean): void {
    if (!wanted) {
      this.#inARow = 0;
      return;
    }
    if (this.#inARow === 0) this.#sinceMs = this.clock.nowMs();
    this.#inARow += 1;
  }

  /** Whether the resource has to be released for others instead of being handed off. */
  get isOthersTurn(): boolean {
    if (this.staysOut) return true;
    return this.#inARow >= MOST_IN_A_ROW || (this.#inARow > 0 && this.clock.nowMs() - this.#sinceMs >= MOST_MS);
  }

  /** The resource was released for others. */
  stayOut(): void {
    this.#inARow = 0;
    this.#outUntilMs = this.clock.nowMs() + STAY_OUT_MS;
  }

  /** When somebody here may bid again. */
  get outUntilMs(): number {
    return this.#outUntilMs;
  }

  /** Whether nobody here bids. */
  get staysOut(): boolean {
    return this.clock.nowMs() < this.#outUntilMs;
  }
}
