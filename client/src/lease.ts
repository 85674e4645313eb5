import { inspect } from 'node:util';
import type { LeaseLostError } from './errors.js';
import { Listeners } from './listeners.js';
import type { ReleaseResult } from './session/claim.js';
import type { HeldLease, LeaseListener, LeaseState } from './session/held-lease.js';
import type { Leases } from './session/leases.js';

/** A lease in logs. */
export interface LeaseJson {
  readonly name: string;
  readonly id: string;
  readonly state: LeaseState;
  /** The fencing token it was granted with, also when it has ended; a string, since readers of JSON round such numbers. */
  readonly token: string;
  readonly ttlMs: number;
  /** How long it may still be relied on, in whole milliseconds. */
  readonly remainingMs: number;
}

/**
 * The right to one resource for a bounded time, extended by the client for as long as it is held and connected.
 *
 * Timers tell of its end in time on an idle event loop, but after a stall of the process (a long computation, a
 * suspended machine) no timer has fired yet: call `assertHeld`, or read `token`, right before whatever must be done
 * under the lease, and hand the token to what the lease protects.
 */
export class Lease implements AsyncDisposable {
  readonly #lease: HeldLease;
  readonly #leases: Leases;
  #listeners: Listeners<Parameters<LeaseListener>> | undefined;
  #controller: AbortController | undefined;
  #tokens: ReadonlyMap<string, bigint> | undefined;

  /** Leases come from `Client.acquire`. */
  constructor(lease: HeldLease, leases: Leases) {
    this.#lease = lease;
    this.#leases = leases;
    lease.listener = (state, error) => {
      if (error !== undefined) this.#controller?.abort(error);
      this.#listeners?.tell(state, error);
    };
  }

  /** The resource. */
  get name(): string {
    return this.#lease.claim.spec.name;
  }

  /** A UUID for people, listings and logs. */
  get id(): string {
    return this.#lease.leaseId;
  }

  /** The time to live it was granted with, in milliseconds. */
  get ttlMs(): number {
    return this.#lease.ttlMs;
  }

  /**
   * `held`; `atRisk`: still held, but an extension is overdue or less than a third of the TTL is left; `lost`: must not
   * be relied on any more; `released`: given back. Judged by the clock now. The last two are final.
   */
  get state(): LeaseState {
    this.#leases.check(this.#lease);
    return this.#lease.state;
  }

  /**
   * Aborts with a `LeaseLostError` when the lease is lost: `abortMarginMs` before its validity ends, or when the server
   * says so, or when the client is closed. Not when it is released.
   */
  get signal(): AbortSignal {
    this.#leases.check(this.#lease);
    const { error, how } = this.#lease;
    this.#controller ??= new AbortController();
    if (how !== undefined && how !== 'released') this.#controller.abort(error);
    return this.#controller.signal;
  }

  /**
   * The fencing token: greater than every token granted before for the resource.
   *
   * @throws LeaseLostError when the lease must not be relied on any more.
   */
  get token(): bigint {
    this.assertHeld();
    return this.#lease.tokens[0] as bigint;
  }

  /**
   * The fencing tokens by resource.
   *
   * @throws LeaseLostError when the lease must not be relied on any more.
   */
  get tokens(): ReadonlyMap<string, bigint> {
    this.#tokens ??= new Map([[this.name, this.token]]);
    this.assertHeld();
    return this.#tokens;
  }

  /** How long the lease may be relied on if nothing more is heard, in milliseconds; 0 when it is lost or released. */
  remainingMs(): number {
    return this.#leases.remainingMs(this.#lease);
  }

  /**
   * Looks at the clock, not at whether a timer came round to saying something.
   *
   * @throws LeaseLostError when the lease must not be relied on any more.
   */
  assertHeld(): void {
    if (!this.#leases.check(this.#lease)) throw this.#lease.error;
  }

  /**
   * Extends the lease by its TTL now. Needed only with `autoExtend: false`. While there is no connection it waits for
   * one, for as long as the lease holds.
   *
   * @throws LeaseLostError when the lease is lost, UnavailableError when the store could not say.
   */
  extend(): Promise<void> {
    return new Promise((done, failed) => this.#leases.extend(this.#lease, { done, failed }));
  }

  /**
   * Gives the lease back. May be called any number of times. Never rejects, and settles when the validity ends at the
   * latest.
   */
  release(): Promise<ReleaseResult> {
    return this.#leases.release(this.#lease);
  }

  /** Releases the lease. Never throws, so that it does not hide what the body threw. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** What logs want of it, judged by the clock now. Never throws: it is no permission to do anything. */
  toJSON(): LeaseJson {
    const { id, name, state, ttlMs } = this;
    return {
      name,
      id,
      state,
      token: String(this.#lease.tokens[0]),
      ttlMs,
      remainingMs: Math.floor(this.remainingMs()),
    };
  }

  /** What `console.log` shows. */
  [inspect.custom](): string {
    return `Lease ${inspect(this.toJSON(), { breakLength: Number.POSITIVE_INFINITY })}`;
  }

  /** Calls back on every change of `state`, with the reason when the lease is lost. */
  on(_event: 'state', listener: (state: LeaseState, error: LeaseLostError | undefined) => void): this {
    this.#listeners ??= new Listeners();
    this.#listeners.add(listener);
    return this;
  }

  /** Stops calling back. */
  off(_event: 'state', listener: (state: LeaseState, error: LeaseLostError | undefined) => void): this {
    this.#listeners?.remove(listener);
    return this;
  }
}
