import type { Opened } from '@holdfast/protocol';
import { ClientClosedError, type HoldfastError, ProtocolError, UnavailableError } from '../errors.js';
import type { AcquireSink, Acquisition } from './acquisition.js';
import { Acquisitions } from './acquisitions.js';
import { Alarm } from './alarms.js';
import { Beats } from './beats.js';
import type { AcquireSpec, Claim, ReleaseOutcome, ReleaseResult } from './claim.js';
import { SessionContext, type SessionOptions } from './context.js';
import { Endings } from './endings.js';
import { errorFromEnd } from './failures.js';
import { Leases } from './leases.js';
import { Link } from './link.js';
import type { SessionPorts, Stream, StreamEnd } from './ports.js';
import { Receiver } from './receiver.js';
import { Resumption } from './resumption.js';
import { newSessionId } from './session-id.js';

const PROTOCOL_VERSION = 1;
const SECRET_BYTES = 16;

/**
 * How a client stands: `connecting` = not connected yet; `connected`; `draining` = connected to a server that wants to be
 * left, because it stops or the connection is old; `reconnecting` = without a stream, and leases run out unless one comes in time; `failed` = refused for good,
 * leases run out; `closed`. The last two are final.
 */
export type ClientState = 'connecting' | 'connected' | 'draining' | 'reconnecting' | 'failed' | 'closed';

/** Told of every change; the error says why it came to `reconnecting` or `failed`. */
export type StateListener = (state: ClientState, error: HoldfastError | undefined) => void;

/**
 * One client process as the servers see it: its leases, its requests, and the stream that carries them. Pure: what it
 * does follows from its ports alone.
 */
export class Session {
  readonly id: string;
  readonly leases: Leases;
  state: ClientState = 'connecting';
  /** Why it failed. */
  #failure: HoldfastError | undefined;
  #closing: Promise<void> | undefined;
  #finish: ((outcome: ReleaseOutcome) => void) | undefined;
  #connecting = false;
  readonly #secret: Buffer;
  readonly #ctx: SessionContext;
  readonly #endings: Endings;
  readonly #acquisitions: Acquisitions;
  readonly #resumption: Resumption;
  readonly #beats: Beats;
  readonly #link: Link;
  readonly #closeOverdue = new Alarm(() => this.#finish?.('unknown'));

  constructor(
    ports: SessionPorts,
    options: SessionOptions,
    private readonly listener: StateListener,
  ) {
    const ctx = new SessionContext(ports, options);
    this.id = newSessionId(ports.random, ports.clock.wallMs());
    this.#secret = Buffer.from(ports.random.bytes(SECRET_BYTES));
    this.#ctx = ctx;
    this.#endings = new Endings(ctx);
    this.leases = new Leases(ctx, this.#endings);
    this.#acquisitions = new Acquisitions(ctx, this.leases, this.#endings, (claim) => this.#claimDue(claim));
    this.#resumption = new Resumption(ctx, this.#acquisitions, this.leases, this.#endings);
    this.#beats = new Beats(ctx, {
      beating: () => this.leases.watchWallClock(),
      silent: () => this.#link.drop('the server has gone silent'),
    });
    const receiver = new Receiver(
      ctx,
      {
        acquisitions: this.#acquisitions,
        leases: this.leases,
        endings: this.#endings,
        resumption: this.#resumption,
        beats: this.#beats,
        opened: (opened) => this.#opened(opened),
        draining: () => this.#draining(),
        storeAway: () => this.#link.lookElsewhere(),
        closed: () => this.#finish?.('released'),
      },
      ports.readFailure,
    );
    this.#link = new Link(ctx, ports.transport, {
      attached: (stream) => this.#attached(stream),
      received: (frames) => receiver.receive(frames),
      broken: (end) => this.#broken(end),
      unreachable: (end) => this.#unreachable(end),
      refused: (end) => this.#fail(errorFromEnd(end)),
    });
  }

  /** Begins to connect. */
  start(): void {
    this.#connecting = true;
    this.#ctx.engage();
    this.#link.start();
  }

  /** Why there is no connection at the moment, as far as is known. */
  get linkError(): Error | undefined {
    return this.#ctx.linkError;
  }

  /** The server's limits on TTLs and names, once known. */
  get limits(): Opened['limits'] {
    return this.#ctx.limits;
  }

  /**
   * The error an acquire meets at once; `undefined` when it may begin. `waits`: whether it would wait for a stream. One
   * that the server has yet to accept counts: a move to another connection is nothing to refuse anybody for.
   */
  refusal(waits: boolean): Error | undefined {
    if (this.#closing !== undefined) return new ClientClosedError();
    if (this.#failure !== undefined) return this.#failure;
    if (waits || this.#ctx.outbox.attached) return undefined;
    return this.#notConnected();
  }

  /** Begins an acquire that `refusal` has nothing against. */
  acquire(spec: AcquireSpec, waitMs: number, sink: AcquireSink): Acquisition {
    return this.#acquisitions.start(spec, waitMs, sink);
  }

  /** Ends an acquire that is under way. */
  cancel(acquisition: Acquisition, error: unknown): void {
    this.#acquisitions.cancel(acquisition, error);
  }

  /** Gives everything back and ends. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #close(): Promise<void> {
    const { alarms, clock, claims, options, outbox } = this.#ctx;
    this.#ctx.engage();
    const result = new Promise<ReleaseResult>((resolve) => {
      this.#finish = (outcome) => {
        this.#finish = undefined;
        this.#end(outcome);
        resolve({ outcome });
      };
    });
    this.#acquisitions.failAll(() => new ClientClosedError());
    if (outbox.attached) {
      outbox.say({ $case: 'close', value: {} });
      alarms.set(this.#closeOverdue, clock.nowMs() + options.closeTimeoutMs);
    }
    for (const { stage } of claims.values()) if (stage.kind === 'held') this.leases.closed(stage.lease, result);
    if (!outbox.attached) this.#finish?.('unknown');
    return result.then(() => undefined);
  }

  /** The end of a close: nothing is left running. */
  #end(outcome: ReleaseOutcome): void {
    this.#link.stop();
    this.#streamGone();
    for (const claim of this.#ctx.claims.values()) this.#endings.forget(claim, outcome);
    this.#ctx.alarms.stop();
    this.#connected();
    this.#ctx.disengage();
    this.#setState('closed', undefined);
  }

  #attached(stream: Stream): void {
    this.#streamGone();
    const { claims, options, outbox } = this.#ctx;
    const open = {
      protocolVersion: PROTOCOL_VERSION,
      sessionId: this.id,
      sessionSecret: this.#secret,
      clientName: options.clientName,
      namespace: options.namespace,
      resume: claims.size > 0,
    };
    outbox.attach(stream, [{ $case: 'open', value: open }, ...this.#resumption.frames()]);
    this.#acquisitions.attached();
    this.leases.watchWallClock();
  }

  #opened({ protocolVersion, limits, heartbeatIntervalMs }: Opened): void {
    if (protocolVersion !== PROTOCOL_VERSION) {
      this.#fail(new ProtocolError(`the server speaks protocol version ${protocolVersion}, not ${PROTOCOL_VERSION}`));
      return;
    }
    const ctx = this.#ctx;
    ctx.limits = limits;
    ctx.linkError = undefined;
    this.#beats.told(heartbeatIntervalMs);
    ctx.outbox.opened(limits?.maxMessageBytes, limits?.maxFramesPerMessage);
    this.#link.opened();
    this.#beats.start();
    this.#connected();
    this.#setState('connected', undefined);
  }

  #draining(): void {
    this.#setState('draining', undefined);
    this.#link.drain();
  }

  #broken(end: StreamEnd): void {
    const error = errorFromEnd(end);
    this.#ctx.linkError = error;
    this.#streamGone();
    if (this.#finish !== undefined) {
      this.#finish('unknown');
      return;
    }
    this.leases.watchWallClock();
    this.#acquisitions.broken(this.#notConnected());
    this.#setState(this.#connecting ? 'connecting' : 'reconnecting', error);
  }

  #unreachable(end: StreamEnd): void {
    this.#ctx.linkError = errorFromEnd(end);
    this.leases.watchWallClock();
  }

  /** No server will have this client. Its leases run to the end of their validity; nothing else can come of it. */
  #fail(error: HoldfastError): void {
    this.#failure = error;
    this.#ctx.linkError = error;
    this.#link.stop();
    this.#streamGone();
    if (this.#finish !== undefined) {
      this.#finish('unknown');
      return;
    }
    this.#acquisitions.failAll(() => error);
    for (const claim of this.#ctx.claims.values()) {
      if (claim.stage.kind === 'givenUp') this.#endings.forget(claim, 'unknown');
    }
    this.#connected();
    this.#setState('failed', error);
  }

  #streamGone(): void {
    this.#beats.stop();
    this.#ctx.held.clear();
    this.#ctx.replies.clear();
    this.#ctx.outbox.detach();
  }

  /** The first connect is over, one way or the other. */
  #connected(): void {
    if (this.#connecting) this.#ctx.disengage();
    this.#connecting = false;
  }

  #claimDue(claim: Claim): void {
    const { stage } = claim;
    if (stage.kind === 'held') this.leases.due(stage.lease);
    else this.#endings.due(claim);
  }

  #notConnected(): UnavailableError {
    const cause = this.#ctx.linkError;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    return new UnavailableError(`not connected to a server${why}`, { cause });
  }

  #setState(state: ClientState, error: HoldfastError | undefined): void {
    if (state === this.state) return;
    this.state = state;
    this.listener(state, error);
  }
}
