import { Alarm } from './alarms.js';
import type { SessionContext } from './context.js';

/** A stream on which the server has said nothing for this many beats is dead, whatever TCP says. */
const MAX_SILENT_BEATS = 3;
/** How much longer than the greatest TTL send times are kept: nothing can be anchored at older ones. */
const KEEP_SEND_TIMES_MS = 10_000;
const FIRST_MAX_TTL_MS = 60_000;

/** Heartbeats, and what their absence says. */
export class Beats {
  /** The greatest push number processed on the present stream. */
  pushSeen = 0n;
  #lastBeatMs = 0;
  /** Beats since anything was heard. Not a time: after a stall of this process the answers are there, only unread. */
  #silent = 0;
  readonly #alarm = new Alarm(() => this.#beat());

  constructor(
    private readonly ctx: SessionContext,
    private readonly events: {
      /** About to beat: a moment to look at the clocks. */
      readonly beating: () => void;
      /** The server is silent; the stream is to be given up. */
      readonly silent: () => void;
    },
  ) {}

  /** The server answered `Open`: beat from now on. */
  start(): void {
    this.pushSeen = 0n;
    this.#silent = 0;
    this.#lastBeatMs = this.ctx.clock.nowMs();
    this.#schedule();
  }

  stop(): void {
    this.ctx.alarms.clear(this.#alarm);
  }

  /** Something arrived. */
  heard(): void {
    this.#silent = 0;
  }

  /** The server told an interval; 0 leaves it as it is. */
  told(intervalMs: number): void {
    if (intervalMs === 0 || intervalMs === this.ctx.intervalMs) return;
    this.ctx.intervalMs = intervalMs;
    if (this.#alarm.slot >= 0) this.#schedule();
  }

  #schedule(): void {
    this.ctx.alarms.set(this.#alarm, this.#lastBeatMs + this.ctx.intervalMs);
  }

  #beat(): void {
    const { clock, held, limits, outbox, sendTimes } = this.ctx;
    this.events.beating();
    if (!outbox.open) return;
    if (this.#silent >= MAX_SILENT_BEATS) {
      this.events.silent();
      return;
    }
    this.#silent += 1;
    this.#lastBeatMs = clock.nowMs();
    sendTimes.prune(this.#lastBeatMs - (limits?.maxTtlMs ?? FIRST_MAX_TTL_MS) - KEEP_SEND_TIMES_MS);
    const value = { pushSeen: this.pushSeen, heldCount: held.count, heldHash: held.hash };
    held.beatSent(outbox.say({ $case: 'heartbeat', value }));
    this.#schedule();
  }
}
