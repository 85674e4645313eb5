import type { ConfigurationCheck } from './configuration-check.js';

/** How often the configuration and the greatest time to live are confirmed. */
const CONFIRM_MS = 5_000;
/** And how soon again after one that was not answered. */
const CONFIRM_AGAIN_MS = 100;
/** How often a node of another configuration is asked whether it still is. */
const CONFLICT_MS = 1_000;
/** Other calls do for a pulse, except that they do not refresh the admission: that is done so often while it lasts. */
const REFRESHES = 10;

/** When a node was asked what, and what it is to be asked again. */
export class AskingTimes {
  #askedMs = Number.NEGATIVE_INFINITY;
  #confirmAskedMs = Number.NEGATIVE_INFINITY;
  #pulsedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly node: number,
    /** How long an admission lasts that is not refreshed. */
    private readonly admissionMs: number,
    private readonly configuration: ConfigurationCheck,
  ) {}

  /** Anything that will be answered. */
  asked(sentMs: number): void {
    this.#askedMs = Math.max(this.#askedMs, sentMs);
  }

  /** True when the configuration is to be confirmed now. What was confirmed before `neededMs` is too old. */
  takeConfirm(nowMs: number, neededMs: number): boolean {
    const againMs = this.configuration.conflicts(this.node) ? CONFLICT_MS : CONFIRM_AGAIN_MS;
    if (nowMs - this.#confirmAskedMs < againMs) return false;
    const confirmedMs = this.configuration.confirmedMs(this.node);
    const fresh = confirmedMs !== undefined && nowMs - confirmedMs < CONFIRM_MS && confirmedMs >= neededMs;
    if (!fresh) this.#confirmAskedMs = nowMs;
    return !fresh;
  }

  /** True when a pulse is to be sent now: nothing was asked for `paceMs`, or the admission needs it. */
  takePulse(nowMs: number, paceMs: number): boolean {
    const due = nowMs - this.#askedMs >= paceMs || nowMs - this.#pulsedMs >= this.admissionMs / REFRESHES;
    if (due) this.#pulsedMs = nowMs;
    return due;
  }
}
