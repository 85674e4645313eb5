import {
  ClientClosedError,
  type HolderInfo,
  type HoldfastError,
  LeaseLostError,
  ProtocolError,
  UnavailableError,
} from './errors.js';
import { Lease } from './lease.js';
import { Listeners } from './listeners.js';
import { checkOptions, type OptionKeys } from './option-keys.js';
import { checkBoolean, checkInteger, checkName, checkSignal, invalid, MAX_WAIT_MS } from './options.js';
import type { AcquireSink, QueueView } from './session/acquisition.js';
import type { AcquireSpec } from './session/claim.js';
import type { SessionOptions } from './session/context.js';
import type { HeldLease } from './session/held-lease.js';
import { abortMarginMs } from './session/leases.js';
import type { Clock, SessionPorts } from './session/ports.js';
import { type ClientState, Session, type StateListener } from './session/session.js';
import { activeTraceContext } from './trace-context.js';
import { waitTimeout } from './wait-timeout.js';

const DEFAULT_WAIT_MS = 30_000;
const MAX_TTL_MS = 2 ** 31 - 1;

/** What `tryAcquire` may be told. */
export interface TryAcquireOptions {
  /** The lease's time to live in milliseconds, within the server's bounds. Default: the server's, 30 s unless changed. */
  readonly ttlMs?: number | undefined;
  /** Ends the attempt; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the lease is extended for as long as it is held. With `false` only `lease.extend()` does. Default `true`. */
  readonly autoExtend?: boolean | undefined;
}

/** What `acquire` may be told. */
export interface AcquireOptions extends TryAcquireOptions {
  /** How long to wait for the resource, in milliseconds, at most a day; 0 asks once. Default 30,000. */
  readonly waitMs?: number | undefined;
}

const TRY_OPTIONS: OptionKeys<TryAcquireOptions> = { ttlMs: true, signal: true, autoExtend: true };
const ACQUIRE_OPTIONS: OptionKeys<AcquireOptions> = { ...TRY_OPTIONS, waitMs: true };

/** A session with a Holdfast server: it takes leases and keeps them. Made by `connect`. */
export class Client implements AsyncDisposable {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #options: SessionOptions;
  readonly #listeners = new Listeners<Parameters<StateListener>>();

  /** Clients come from `connect`; this is for running one on other ports, under a virtual clock for instance. */
  constructor(ports: SessionPorts, options: SessionOptions) {
    this.#clock = ports.clock;
    this.#options = options;
    this.#session = new Session(ports, options, (state, error) => this.#listeners.tell(state, error));
  }

  /** The session's id, a UUID, as it appears in the server's listings and logs. */
  get sessionId(): string {
    return this.#session.id;
  }

  /** The name others see when this client holds what they wait for. */
  get name(): string {
    return this.#options.clientName;
  }

  /**
   * `connecting`, `connected`, `draining` (the server wants to be left; the client moves on by itself), `reconnecting`
   * (leases run out unless a server is reached in time), `failed` (refused for good) or `closed`.
   */
  get state(): ClientState {
    return this.#session.state;
  }

  /** Calls back on every change of `state`, with the reason for `reconnecting` and `failed`. */
  on(_event: 'state', listener: (state: ClientState, error: HoldfastError | undefined) => void): this {
    this.#listeners.add(listener);
    return this;
  }

  /** Stops calling back. */
  off(_event: 'state', listener: (state: ClientState, error: HoldfastError | undefined) => void): this {
    this.#listeners.remove(listener);
    return this;
  }

  /** Connects. To be called once, and awaited; `connect` does. Rejects when that takes longer than `timeoutMs`. */
  open(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined): void => {
        timer.cancel();
        this.off('state', look);
        if (error === undefined) resolve();
        else void this.close().then(() => reject(error));
      };
      const look: StateListener = (state, error) => {
        if (state === 'connected') settle(undefined);
        else if (state === 'failed') settle(error);
        else if (state === 'closed') settle(new ClientClosedError());
      };
      const timer = this.#clock.after(timeoutMs, () => {
        const cause = this.#session.linkError;
        if (cause instanceof ProtocolError) return settle(cause);
        const why = cause === undefined ? '' : `: ${cause.message}`;
        settle(new UnavailableError(`no server answered within ${timeoutMs} ms${why}`, { cause }));
      });
      this.on('state', look);
      this.#session.start();
    });
  }

  /**
   * Takes a lease, waiting in line for it.
   *
   * While there is no connection it waits for one, and passing failures of the server are tried again, all within
   * `waitMs`.
   *
   * @throws WaitTimeoutError when somebody else held it for all of `waitMs`; it says who.
   * @throws UnavailableError when no server could say within `waitMs`.
   * @throws InvalidArgumentError, LimitReachedError, ClientClosedError; the reason of `signal` when that aborts.
   */
  acquire(name: string, options?: AcquireOptions): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const told = checkOptions('acquire', options, ACQUIRE_OPTIONS);
      const waitMs = checkInteger('waitMs', told.waitMs ?? DEFAULT_WAIT_MS, 0, MAX_WAIT_MS);
      const isOwn = ({ clientName = this.name, leaseId }: HolderInfo): boolean =>
        clientName === this.name && this.#session.leases.isOwn(leaseId);
      const denied = (view: QueueView): void => reject(waitTimeout(name, waitMs, view, this.#clock.nowMs(), isOwn));
      const granted = (lease: HeldLease): void => resolve(new Lease(lease, this.#session.leases));
      this.#begin(name, waitMs, told, { granted, denied, failed: reject });
    });
  }

  /**
   * Takes a lease if nobody else has it; `undefined` if somebody has. Does not wait for a connection.
   *
   * @throws UnavailableError when there is no connection, or no answer within `answerTimeoutMs`.
   */
  tryAcquire(name: string, options?: TryAcquireOptions): Promise<Lease | undefined> {
    return new Promise((resolve, reject) => {
      const told = checkOptions('tryAcquire', options, TRY_OPTIONS);
      const granted = (lease: HeldLease): void => resolve(new Lease(lease, this.#session.leases));
      this.#begin(name, 0, told, { granted, denied: () => resolve(undefined), failed: reject });
    });
  }

  /**
   * Runs a function under a lease and gives it back afterwards.
   *
   * When the lease is lost its signal aborts, and this rejects with a `LeaseLostError` as soon as the function has
   * settled, or after `abortMarginMs` if it does not; what the function itself threw by then is the error's `cause`.
   * Whatever the function throws while the lease is held is rejected with as it is.
   */
  using<T>(name: string, fn: (lease: Lease) => T | PromiseLike<T>): Promise<T>;
  using<T>(name: string, options: AcquireOptions, fn: (lease: Lease) => T | PromiseLike<T>): Promise<T>;
  async using<T>(
    name: string,
    optionsOrFn: AcquireOptions | ((lease: Lease) => T | PromiseLike<T>),
    maybeFn?: (lease: Lease) => T | PromiseLike<T>,
  ): Promise<T> {
    const [options, fn] = typeof optionsOrFn === 'function' ? [undefined, optionsOrFn] : [optionsOrFn, maybeFn];
    checkOptions('using', options, ACQUIRE_OPTIONS);
    if (typeof fn !== 'function') throw invalid('fn', fn, 'a function to run under the lease');
    const lease = await this.acquire(name, options);
    try {
      return await this.#run(lease, fn);
    } finally {
      await lease.release();
    }
  }

  /** Gives everything back, ends the session and the connection. Pending acquires reject with `ClientClosedError`. */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** Closes the client. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<T>(lease: Lease, fn: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
    const running = (async () => fn(lease))();
    const overdue = this.#afterLoss(lease);
    try {
      const result = await Promise.race([running, overdue.promise]);
      const loss = lossOf(lease);
      if (loss !== undefined) throw loss;
      return result;
    } catch (error) {
      const loss = lossOf(lease);
      if (loss === undefined || error === loss) throw error;
      throw new LeaseLostError(loss.message, loss.resource, loss.leaseId, loss.how, { cause: error });
    } finally {
      overdue.cancel();
    }
  }

  /** Rejects once a lease has been lost for as long as a holder may take to wind down. */
  #afterLoss(lease: Lease): { readonly promise: Promise<never>; readonly cancel: () => void } {
    const { signal } = lease;
    const patienceMs = abortMarginMs(lease.ttlMs, this.#options.abortMarginMs);
    const stop = new AbortController();
    const promise = new Promise<never>((_, reject) => {
      const lost = (): void => {
        const timer = this.#clock.after(patienceMs, () => reject(signal.reason));
        stop.signal.addEventListener('abort', () => timer.cancel(), { once: true });
      };
      if (signal.aborted) lost();
      else signal.addEventListener('abort', lost, { once: true, signal: stop.signal });
    });
    return { promise, cancel: () => stop.abort() };
  }

  #begin(name: string, waitMs: number, options: TryAcquireOptions, sink: AcquireSink): void {
    const spec = this.#spec(name, options);
    const signal = checkSignal(options.signal);
    const refusal = this.#session.refusal(waitMs > 0);
    if (refusal !== undefined) throw refusal;
    if (signal === undefined) {
      this.#session.acquire(spec, waitMs, sink);
      return;
    }
    signal.throwIfAborted();
    const abort = (): void => this.#session.cancel(acquisition, signal.reason);
    const settled = (): void => signal.removeEventListener('abort', abort);
    const acquisition = this.#session.acquire(spec, waitMs, afterwards(sink, settled));
    signal.addEventListener('abort', abort);
  }

  #spec(name: string, { autoExtend, ttlMs }: TryAcquireOptions): AcquireSpec {
    const { limits } = this.#session;
    checkName('name', name, limits?.maxNameBytes);
    if (ttlMs !== undefined) checkInteger('ttlMs', ttlMs, limits?.minTtlMs ?? 1, limits?.maxTtlMs ?? MAX_TTL_MS);
    if (autoExtend !== undefined) checkBoolean('autoExtend', autoExtend);
    const { traceparent, tracestate } = activeTraceContext();
    return { name, ttlMs, manualExtension: autoExtend === false, traceparent, tracestate };
  }
}

/** A sink that lets go of the signal before it passes anything on. */
function afterwards(sink: AcquireSink, settled: () => void): AcquireSink {
  return {
    granted: (lease) => {
      settled();
      sink.granted(lease);
    },
    denied: (view) => {
      settled();
      sink.denied(view);
    },
    failed: (error) => {
      settled();
      sink.failed(error);
    },
  };
}

/** How a lease was lost, if it was; a lease that its holder gave back was not. */
function lossOf({ signal }: Lease): LeaseLostError | undefined {
  return signal.aborted ? (signal.reason as LeaseLostError) : undefined;
}
