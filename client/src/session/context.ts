import type { Limits } from '@holdfast/protocol';
import { Alarms } from './alarms.js';
import type { Claim } from './claim.js';
import type { HeldLease } from './held-lease.js';
import { HeldSet } from './held-set.js';
import { IdTable } from './id-table.js';
import { Outbox } from './outbox.js';
import type { Clock, Random, SessionPorts } from './ports.js';
import { SecretSource } from './secrets.js';
import { SendTimes } from './send-times.js';

/** Everything a session can be told. Durations in milliseconds. */
export interface SessionOptions {
  /** The name other clients and operators see. */
  readonly clientName: string;
  /** Empty for the server's default namespace. */
  readonly namespace: string;
  /** How long before the end of its validity a lease counts as lost. `undefined`: 5 % of the TTL, at most 500 ms. */
  readonly abortMarginMs: number | undefined;
  /** How long a connection, and then the answer to `Open`, may take before another target is tried. */
  readonly attemptTimeoutMs: number;
  /** The longest pause between two attempts to connect. */
  readonly maxBackoffMs: number;
  /** How long an acquire that does not wait may take to be answered. */
  readonly answerTimeoutMs: number;
  /** How long `close` waits for the server's answer. */
  readonly closeTimeoutMs: number;
}

/** What a frame of the client's was about, so that its answer finds its way. */
export type Reply =
  | { readonly kind: 'release'; readonly claim: Claim }
  | { readonly kind: 'extend'; readonly lease: HeldLease };

/** Assumed until a server has said otherwise. */
const FIRST_INTERVAL_MS = 5_000;
const FIRST_DEFAULT_TTL_MS = 60_000;
/** A server that asks for beats more often than this is not taken at its word. */
const MIN_INTERVAL_MS = 5;

/** What the parts of a session share. */
export class SessionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly alarms: Alarms;
  readonly sendTimes = new SendTimes();
  readonly outbox: Outbox;
  readonly held = new HeldSet();
  readonly secrets: SecretSource;
  /** Every request that was sent and not forgotten, by the id of its Acquire. */
  readonly claims = new IdTable<Claim>();
  /** Frames of the present stream whose answers are awaited. */
  readonly replies = new IdTable<Reply>();
  limits: Limits | undefined;
  /** Why there is no connection; `undefined` while there is one. */
  linkError: Error | undefined;
  #intervalMs = FIRST_INTERVAL_MS;
  #engagements = 0;

  constructor(
    private readonly ports: SessionPorts,
    readonly options: SessionOptions,
  ) {
    this.clock = ports.clock;
    this.random = ports.random;
    this.alarms = new Alarms(ports.clock);
    this.outbox = new Outbox(ports.clock, this.sendTimes);
    this.secrets = new SecretSource(ports.random);
  }

  /** The heartbeat interval last told. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  set intervalMs(told: number) {
    this.#intervalMs = Math.max(told, MIN_INTERVAL_MS);
  }

  /** The TTL a request without one will have. */
  get defaultTtlMs(): number {
    return this.limits?.defaultTtlMs ?? FIRST_DEFAULT_TTL_MS;
  }

  /** Something is under way that the process should stay alive for. */
  engage(): void {
    this.#engagements += 1;
    if (this.#engagements === 1) this.ports.engaged(true);
  }

  disengage(): void {
    this.#engagements -= 1;
    if (this.#engagements === 0) this.ports.engaged(false);
  }
}
