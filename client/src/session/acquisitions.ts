import type { Acquire, Denied, Granted, Queued } from '@holdfast/protocol';
import { ProtocolError, UnavailableError } from '../errors.js';
import type { AcquireSink, Acquisition, QueueView } from './acquisition.js';
import { Alarm } from './alarms.js';
import type { AcquireSpec, Claim } from './claim.js';
import type { SessionContext } from './context.js';
import type { Endings } from './endings.js';
import { errorFromFailure, retryDelayMs } from './failures.js';
import { IdTable } from './id-table.js';
import type { Leases } from './leases.js';
import type { Failure } from './ports.js';
import { SecretHistory } from './secrets.js';

/** The server may answer this much later than the wait: its answer names the holder. */
const GRACE_MS = 100;
/** Pause before asking again after a grant that arrived too late; doubled each time. */
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1_000;
/** How much later than a server asks for, so that not all of its clients come back at once. */
const RETRY_JITTER = 0.25;
const LEASE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOTHING_HEARD: QueueView = { holder: undefined, position: 0, heardAtMs: 0 };

/** The acquires that are under way. */
export class Acquisitions {
  /** By number. */
  readonly #pending = new IdTable<Acquisition>();
  #started = 0;

  constructor(
    private readonly ctx: SessionContext,
    private readonly leases: Leases,
    private readonly endings: Endings,
    private readonly claimDue: (claim: Claim) => void,
  ) {}

  /** Begins; the sink is told later, never from inside this call. */
  start(spec: AcquireSpec, waitMs: number, sink: AcquireSink): Acquisition {
    const { alarms, clock, options, outbox } = this.ctx;
    const nowMs = clock.nowMs();
    this.#started += 1;
    const acquisition: Acquisition = {
      number: this.#started,
      spec,
      waitMs,
      waitEndsMs: nowMs + waitMs,
      settlesMs: nowMs + (waitMs > 0 ? waitMs + GRACE_MS : options.answerTimeoutMs),
      sink,
      alarm: new Alarm(() => this.#due(acquisition)),
      claim: undefined,
      secrets: undefined,
      view: NOTHING_HEARD,
      sendAtMs: nowMs,
      refusals: 0,
      lastError: undefined,
    };
    this.ctx.engage();
    this.#pending.set(acquisition.number, acquisition);
    alarms.set(acquisition.alarm, acquisition.settlesMs);
    if (outbox.attached) this.#send(acquisition, nowMs);
    return acquisition;
  }

  /** The caller does not want it any more. */
  cancel(acquisition: Acquisition, error: unknown): void {
    if (this.#pending.has(acquisition.number)) this.#giveUp(acquisition, error);
  }

  /** There is a new stream: what has no request yet gets one. */
  attached(): void {
    const nowMs = this.ctx.clock.nowMs();
    for (const acquisition of this.#pending.values()) {
      if (acquisition.claim === undefined && acquisition.sendAtMs <= nowMs) this.#send(acquisition, nowMs);
    }
  }

  /** The stream broke: who does not wait does not wait for another one either. */
  broken(error: Error): void {
    for (const acquisition of this.#pending.values()) {
      if (acquisition.waitMs === 0) this.#giveUp(acquisition, error);
    }
  }

  /** Nothing will ever be granted again. */
  failAll(makeError: () => Error): void {
    for (const acquisition of this.#pending.values()) this.#giveUp(acquisition, makeError());
  }

  queued(acquisition: Acquisition, { holder, position }: Queued): void {
    acquisition.view = { holder, position, heardAtMs: this.ctx.clock.nowMs() };
  }

  granted(acquisition: Acquisition, claim: Claim, granted: Granted): void {
    if (granted.tokens.length !== 1 || !LEASE_ID.test(granted.leaseId)) {
      this.endings.release(claim, granted.ttlMs);
      this.#fail(acquisition, new ProtocolError('the server granted a lease without an id and a token'));
      return;
    }
    const lease = this.leases.begin(claim, granted);
    if (lease !== undefined) {
      // What kept the process alive is the lease from now on.
      this.#remove(acquisition);
      acquisition.sink.granted(lease);
      return;
    }
    acquisition.secrets = undefined;
    const error = new UnavailableError(`the grant of ${JSON.stringify(claim.spec.name)} took too long to arrive`);
    const pauseMs = acquisition.refusals === 0 ? 0 : FIRST_PAUSE_MS * 2 ** acquisition.refusals;
    this.#again(acquisition, Math.min(pauseMs, MAX_PAUSE_MS), error);
  }

  denied(acquisition: Acquisition, claim: Claim, { holder, position }: Denied): void {
    this.endings.forget(claim, 'released');
    const { view } = acquisition;
    const heardAtMs = this.ctx.clock.nowMs();
    this.#settle(acquisition);
    acquisition.sink.denied(holder === undefined && position === 0 ? view : { holder, position, heardAtMs });
  }

  failed(acquisition: Acquisition, claim: Claim, failure: Failure): void {
    this.endings.forget(claim, 'released');
    const error = errorFromFailure(failure);
    const delayMs = retryDelayMs(failure);
    if (delayMs === undefined) {
      this.#fail(acquisition, error);
      return;
    }
    this.#again(acquisition, delayMs * (1 + RETRY_JITTER * this.ctx.random.unit()), error);
  }

  /** What an Acquire says, in its first frame and in every resume. */
  request(acquisition: Acquisition, secrets: SecretHistory, nowMs = this.ctx.clock.nowMs()): Acquire {
    const { spec, waitEndsMs } = acquisition;
    // Sums of clock readings are rounded: one up to the next millisecond could exceed what the server allows.
    const waitMs = Math.min(acquisition.waitMs, Math.max(0, Math.ceil(waitEndsMs - nowMs)));
    return acquireMessage(spec, spec.ttlMs, waitMs, secrets);
  }

  #send(acquisition: Acquisition, nowMs: number): void {
    const { claims, outbox, secrets: source } = this.ctx;
    const secret = source.next();
    if (acquisition.secrets === undefined) acquisition.secrets = new SecretHistory(secret);
    else acquisition.secrets.add(secret);
    const { secrets, spec } = acquisition;
    const id = outbox.say({ $case: 'acquire', value: this.request(acquisition, secrets, nowMs) });
    const claim: Claim = {
      id,
      spec,
      secrets,
      alarm: new Alarm(() => this.claimDue(claim)),
      stage: { kind: 'open', acquisition },
      releaseId: 0,
    };
    acquisition.claim = claim;
    claims.set(id, claim);
  }

  /** Sends another request after a while, if the wait goes on for that long. */
  #again(acquisition: Acquisition, delayMs: number, error: Error): void {
    acquisition.claim = undefined;
    acquisition.refusals += 1;
    acquisition.lastError = error;
    const nowMs = this.ctx.clock.nowMs();
    acquisition.sendAtMs = nowMs + delayMs;
    if (acquisition.sendAtMs >= acquisition.waitEndsMs) {
      this.#fail(acquisition, error);
      return;
    }
    if (delayMs === 0 && this.ctx.outbox.attached) this.#send(acquisition, nowMs);
    else this.ctx.alarms.set(acquisition.alarm, Math.min(acquisition.sendAtMs, acquisition.settlesMs));
  }

  #due(acquisition: Acquisition): void {
    const nowMs = this.ctx.clock.nowMs();
    if (nowMs >= acquisition.settlesMs) {
      this.#expire(acquisition);
      return;
    }
    this.ctx.alarms.set(acquisition.alarm, acquisition.settlesMs);
    if (acquisition.claim === undefined && this.ctx.outbox.attached) this.#send(acquisition, nowMs);
  }

  #expire(acquisition: Acquisition): void {
    const { claim, spec, view, waitMs } = acquisition;
    if (claim !== undefined && this.ctx.outbox.open && waitMs > 0) {
      this.#settle(acquisition);
      this.endings.cancel(claim);
      acquisition.sink.denied(view);
      return;
    }
    const withinMs = waitMs > 0 ? waitMs : this.ctx.options.answerTimeoutMs;
    const cause = acquisition.lastError ?? this.ctx.linkError;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    const what = `no server could say within ${withinMs} ms whether ${JSON.stringify(spec.name)} is free${why}`;
    this.#giveUp(acquisition, new UnavailableError(what, { cause }));
  }

  /** Ends it with an error, and its request with it. */
  #giveUp(acquisition: Acquisition, error: unknown): void {
    if (acquisition.claim !== undefined) this.endings.cancel(acquisition.claim);
    this.#fail(acquisition, error);
  }

  #fail(acquisition: Acquisition, error: unknown): void {
    this.#settle(acquisition);
    acquisition.sink.failed(error);
  }

  #settle(acquisition: Acquisition): void {
    this.#remove(acquisition);
    this.ctx.disengage();
  }

  #remove(acquisition: Acquisition): void {
    this.#pending.delete(acquisition.number);
    this.ctx.alarms.clear(acquisition.alarm);
  }
}

/** An Acquire as it stands in frames and resume entries. */
export function acquireMessage(
  spec: AcquireSpec,
  ttlMs: number | undefined,
  waitMs: number,
  secrets: SecretHistory,
): Acquire {
  return {
    resources: [{ name: spec.name }],
    ttlMs: ttlMs === undefined ? undefined : BigInt(ttlMs),
    waitMs: BigInt(waitMs),
    secret: secrets.current,
    earlierSecrets: secrets.earlier,
    manualExtension: spec.manualExtension,
    traceparent: spec.traceparent,
    tracestate: spec.tracestate,
  };
}
