import type { LeaseId, ResourceKey, SessionId } from './names.js';
import type { LeaseStore } from './store-port.js';

export type * from './store-port.js';

/** Time, as the core sees it. Implemented by the process's clock, or by a virtual one in tests and simulations. */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary start. */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970 with a fraction. Never used for a deadline. */
  wallMs(): number;
  /** Calls back once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls back at the end of the present turn of the event loop, when everything that arrived in it has been seen. */
  atTurnEnd(callback: () => void): void;
}

/** A pending callback of a `Clock`. */
export interface Timer {
  cancel(): void;
}

/** Randomness, so that a simulation can seed it. */
export interface Random {
  /** Fresh random bytes. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1). */
  unit(): number;
}

/** W3C trace context of a caller. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string;
}

/** The span of one acquire, from its arrival to its answer. */
export interface AcquireSpan {
  end(outcome: AcquireOutcome): void;
}

export type AcquireOutcome = 'granted' | 'held' | 'wait_expired' | 'cancelled' | 'failed';
export type LeaseEnd = 'released' | 'expired' | 'displaced' | 'closed';
export type StoreVerb = 'acquire' | 'extend' | 'hand_off' | 'adopt' | 'release';

/** Sizes of the core's tables, read by gauges. */
export interface CoreSizes {
  readonly sessionsAttached: number;
  readonly sessionsDetached: number;
  readonly leases: number;
  readonly waiters: number;
  readonly resources: number;
  readonly timers: number;
}

/** What the core tells whoever observes it. Calls are cheap and never throw. */
export interface Telemetry {
  /** An acquire arrived. `undefined` where nothing is traced. */
  acquireStarted(resource: ResourceKey, trace: TraceContext | undefined): AcquireSpan | undefined;
  /** An acquire was answered, `waitedMs` after it arrived. */
  acquireEnded(outcome: AcquireOutcome, waitedMs: number): void;
  /** A lease ended, `heldMs` after its grant, with `marginMs` left of its validity (0 when none was). */
  leaseEnded(end: LeaseEnd, heldMs: number, marginMs: number): void;
  /** Leases were extended by one beat. */
  extended(leases: number): void;
  /** A lease was adopted, or could not be. */
  resumed(outcome: 'adopted' | 'lost' | 'unknown'): void;
  /** A batch of store entries was answered. */
  storeCalled(verb: StoreVerb, entries: number, tookMs: number): void;
  /** A failure was sent to a client, by reason. */
  failed(reason: string): void;
  /** An event for the log. */
  event(event: CoreEvent): void;
}

/** What is worth a line in the log. Never carries a secret or a hash. */
export type CoreEvent =
  | {
      readonly kind: 'session_opened';
      readonly sessionId: SessionId;
      readonly clientName: string;
      readonly resumed: boolean;
    }
  | {
      readonly kind: 'session_detached';
      readonly sessionId: SessionId;
      readonly leases: number;
      readonly waiters: number;
    }
  | { readonly kind: 'session_ended'; readonly sessionId: SessionId; readonly cause: 'closed' | 'grace_over' }
  | { readonly kind: 'held_set_differs'; readonly sessionId: SessionId }
  | {
      readonly kind: 'lease_lost';
      readonly sessionId: SessionId;
      readonly leaseId: LeaseId;
      readonly resource: ResourceKey;
      readonly token: bigint;
      readonly reason: 'expired' | 'displaced';
    }
  | { readonly kind: 'store_unavailable'; readonly message: string }
  | { readonly kind: 'store_available' };

/** Everything the core gets from outside. */
export interface CorePorts {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}
