import type { ServerFrame } from '@holdfast/protocol';
import { Alarm } from './alarms.js';
import type { SessionContext } from './context.js';
import { isPermanent } from './failures.js';
import type { Stream, StreamEnd, Transport } from './ports.js';

/** The first attempt after a break comes within this. */
const FIRST_PAUSE_MS = 10;
const PAUSE_MS = 50;
/** Where there is no other server to turn to, this one may ask for a longer pause, up to this. */
const MAX_TOLD_PAUSE_MS = 30_000;
/** A server is left for the sake of its store no more often than this: where the store itself is gone, moves help nobody. */
const STAY_MS = 10_000;
const UNAVAILABLE = 14;

/** What the link tells the session. */
export interface LinkEvents {
  /** There is a connection: `Open` is to be sent on it, and frames of earlier streams do not count any more. */
  attached(stream: Stream): void;
  received(frames: readonly ServerFrame[]): void;
  /** The stream is gone and another will be tried. */
  broken(end: StreamEnd): void;
  /** An attempt failed before there was a stream. */
  unreachable(end: StreamEnd): void;
  /** Every target, or the server that had accepted the session, refused in a way that no further attempt would change. */
  refused(end: StreamEnd): void;
}

interface Connection {
  readonly target: number;
  stream: Stream | undefined;
  openedAtMs: number | undefined;
}

/**
 * Keeps one stream to one of the targets. After a break it tries them in turn, once each without a pause, then with
 * capped, jittered pauses; when a server wants to be left it connects elsewhere before it leaves.
 */
export class Link {
  /** The stream on which `Open` was sent last. */
  #current: Connection | undefined;
  /** One that is being connected, beside the current one while that drains. */
  #dialing: Connection | undefined;
  #lastTarget = -1;
  /** The target of the current stream while that drains. */
  #avoided = -1;
  #failures = 0;
  #stayUntilMs = 0;
  /** Targets that refused for good since a server last accepted the session. */
  readonly #refusing = new Set<number>();
  #stopped = false;
  readonly #retry = new Alarm(() => this.#dial());
  readonly #overdue = new Alarm(() => this.#giveUpAttempt());
  readonly #transport: Transport;

  constructor(
    private readonly ctx: SessionContext,
    transport: Transport,
    private readonly events: LinkEvents,
  ) {
    this.#transport = transport;
  }

  start(): void {
    this.#dial();
  }

  /** The server has answered `Open` on the current stream. */
  opened(): void {
    this.ctx.alarms.clear(this.#overdue);
    this.#refusing.clear();
    if (this.#current !== undefined) this.#current.openedAtMs = this.ctx.clock.nowMs();
  }

  /** The current stream is dead or of no use. */
  drop(message: string): void {
    const connection = this.#current;
    if (connection === undefined) return;
    connection.stream?.end();
    this.#closed(connection, { statusCode: UNAVAILABLE, message, failure: undefined });
  }

  /**
   * The current server wants to be left: connect to another one before. Where only one target is known, there may be
   * several servers behind it, or the same one may take the session again on a new connection. If nobody does, leave at
   * once: the sooner the last client has gone, the sooner its successor starts, and the more is left of every validity.
   */
  drain(): void {
    if (this.#current === undefined || this.#dialing !== undefined) return;
    if (this.#transport.targetCount > 1) this.#avoided = this.#current.target;
    this.ctx.alarms.clear(this.#retry);
    this.#dial();
  }

  /** The current server cannot reach its store. Another one may: connect there, and stay here until that has come about. */
  lookElsewhere(): void {
    const { clock, random } = this.ctx;
    const nowMs = clock.nowMs();
    if (this.#transport.targetCount < 2 || nowMs < this.#stayUntilMs) return;
    this.#stayUntilMs = nowMs + STAY_MS * (0.5 + 0.5 * random.unit());
    this.drain();
  }

  /** Ends every stream, for good. */
  stop(): void {
    this.#stopped = true;
    this.ctx.alarms.clear(this.#retry);
    this.ctx.alarms.clear(this.#overdue);
    this.#dialing?.stream?.end();
    this.#current?.stream?.end();
    this.#dialing = undefined;
    this.#current = undefined;
  }

  #dial(): void {
    const connection: Connection = { target: this.#nextTarget(), stream: undefined, openedAtMs: undefined };
    this.#dialing = connection;
    this.#setOverdue();
    connection.stream = this.#transport.open(connection.target, {
      ready: () => this.#ready(connection),
      receive: (frames) => {
        if (connection === this.#current) this.events.received(frames);
      },
      closing: () => {
        if (connection === this.#current) this.drain();
      },
      closed: (end) => this.#closed(connection, end),
    });
  }

  #nextTarget(): number {
    const { targetCount } = this.#transport;
    const next = (this.#lastTarget + 1) % targetCount;
    this.#lastTarget = next === this.#avoided ? (next + 1) % targetCount : next;
    return this.#lastTarget;
  }

  #ready(connection: Connection): void {
    if (connection !== this.#dialing || connection.stream === undefined) return;
    const old = this.#current;
    this.#dialing = undefined;
    this.#current = connection;
    this.#avoided = -1;
    this.#setOverdue();
    this.events.attached(connection.stream);
    old?.stream?.end();
  }

  #setOverdue(): void {
    this.ctx.alarms.set(this.#overdue, this.ctx.clock.nowMs() + this.ctx.options.attemptTimeoutMs);
  }

  /** Neither the connection nor the answer to `Open` may take for ever. */
  #giveUpAttempt(): void {
    const connection = this.#dialing ?? this.#current;
    if (connection === undefined) return;
    connection.stream?.end();
    const { attemptTimeoutMs } = this.ctx.options;
    const target = this.#transport.targetName(connection.target);
    const message = `${target} did not answer within ${attemptTimeoutMs} ms`;
    this.#closed(connection, { statusCode: UNAVAILABLE, message, failure: undefined });
  }

  #closed(connection: Connection, end: StreamEnd): void {
    if (this.#stopped || (connection !== this.#current && connection !== this.#dialing)) return;
    const wasCurrent = connection === this.#current;
    if (wasCurrent) {
      this.#current = undefined;
      this.#avoided = -1;
    } else {
      this.#dialing = undefined;
    }
    if (this.#dialing === undefined) this.ctx.alarms.clear(this.#overdue);
    if (isPermanent(end) && this.#nobodyElse(connection)) {
      this.events.refused(end);
      return;
    }
    if (this.#livedLong(connection)) this.#failures = 0;
    if (this.#dialing === undefined && this.#retry.slot < 0) this.#scheduleRetry(end);
    if (wasCurrent) {
      this.events.broken(end);
      return;
    }
    this.events.unreachable(end);
    if (this.#transport.targetCount < 2)
      this.drop(`the server wants to be left, and no other is there: ${end.message}`);
  }

  /** A target refused for good: whether there is no other to try. One that had accepted the session speaks for all. */
  #nobodyElse({ openedAtMs, target }: Connection): boolean {
    this.#refusing.add(target);
    return openedAtMs !== undefined || this.#refusing.size >= this.#transport.targetCount;
  }

  /** Whether the stream was good for long enough that its end is news, and not one more failure in a row. */
  #livedLong({ openedAtMs }: Connection): boolean {
    return openedAtMs !== undefined && this.ctx.clock.nowMs() - openedAtMs >= this.ctx.options.maxBackoffMs;
  }

  #scheduleRetry({ failure }: StreamEnd): void {
    const { clock, options, random } = this.ctx;
    const { targetCount } = this.#transport;
    const rounds = Math.floor(this.#failures / targetCount);
    const ceilingMs = Math.min(options.maxBackoffMs, PAUSE_MS * 2 ** Math.min(rounds, 30));
    const jittered = ceilingMs * (0.5 + 0.5 * random.unit());
    const ownMs = rounds === 0 ? Math.min(FIRST_PAUSE_MS, options.maxBackoffMs) * random.unit() : jittered;
    const toldMs = targetCount > 1 ? 0 : Math.min(failure?.retryAfterMs ?? 0, MAX_TOLD_PAUSE_MS);
    this.#failures += 1;
    this.ctx.alarms.set(this.#retry, clock.nowMs() + Math.max(ownMs, toldMs));
  }
}
