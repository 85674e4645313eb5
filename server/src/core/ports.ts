import type { Hash, LeaseId, ResourceKey, SessionId } from './names.js';

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

/** What a store keeps of the lease that a bid asks for. */
export interface Grantee {
  /** Hash of the secret that proves the lease. */
  readonly hash: Hash;
  readonly leaseId: LeaseId;
  readonly sessionId: SessionId;
  readonly clientName: string;
  readonly ttlMs: number;
}

/** Who holds a resource, as far as a store can tell. */
export interface StoredHolder {
  readonly leaseId: LeaseId;
  readonly clientName: string;
  readonly heldMs: number;
}

/** One try to get a resource for a request. */
export interface AcquireBid {
  readonly resource: ResourceKey;
  readonly grantee: Grantee;
  /** Hashes of older secrets of the same request; a grant made to one of them answers `mine`. */
  readonly earlierHashes: readonly Hash[];
}

export type AcquireAnswer =
  | { readonly kind: 'granted'; readonly token: bigint }
  /** Somebody else's. Worth asking again after `retryAfterMs` at the latest. */
  | { readonly kind: 'held'; readonly holder: StoredHolder | undefined; readonly retryAfterMs: number }
  /** Granted before to an older secret of this very request: adopt it. Nothing was changed. */
  | { readonly kind: 'mine'; readonly hash: Hash; readonly token: bigint }
  | { readonly kind: 'unavailable'; readonly message: string };

export interface ExtendBid {
  readonly resource: ResourceKey;
  readonly hash: Hash;
  readonly token: bigint;
  readonly ttlMs: number;
}

/** `unknown` neither extends nor ends the lease. */
export type ExtendAnswer = 'renewed' | 'lost' | 'unknown';

export interface HandOffBid {
  readonly resource: ResourceKey;
  readonly from: { readonly hash: Hash; readonly token: bigint };
  readonly to: Grantee;
}

export type HandOffAnswer =
  | { readonly kind: 'granted'; readonly token: bigint }
  /** The old holder's value is not there, so there is nothing to hand off. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'unavailable'; readonly message: string };

export interface AdoptBid {
  readonly resource: ResourceKey;
  /** Hashes of the secrets used for the lease so far, any of which may be in the store. */
  readonly presented: readonly Hash[];
  /** The lease's token where the client knows it; a record with another token is not this lease. */
  readonly token: bigint | undefined;
  /** The new value. The token stays; the expiry is raised like an extension and never shortened. */
  readonly grantee: Grantee;
}

export type AdoptAnswer =
  | { readonly kind: 'adopted'; readonly token: bigint }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unknown'; readonly message: string };

export interface ReleaseBid {
  readonly resource: ResourceKey;
  /** Hashes of the secrets used for the lease, any of which may be in the store. */
  readonly hashes: readonly Hash[];
}

/** `gone`: nothing of it was there. */
export type ReleaseAnswer = 'released' | 'gone' | 'unknown';

/** A lease as a store remembers it. */
export interface StoredLease extends Grantee {
  readonly resource: ResourceKey;
  readonly token: bigint;
  readonly grantedAtWallMs: number;
  readonly remainingMs: number;
}

/** What a store promises; the contract suite asserts each in both directions. */
export interface StoreCapabilities {
  /** Leases survive the server's death and can be adopted afterwards. */
  readonly resumeAfterRestart: boolean;
  /** Several servers may share it. */
  readonly severalServers: boolean;
  /** `storedLeases` lists every lease. */
  readonly listsLeases: boolean;
}

/**
 * Where leases are made durable.
 *
 * Every verb takes a batch and answers each entry at its index; one bad entry never fails the others, and a promise is
 * never rejected. A grant or adoption is durable before it is answered. A store never waits for a holder and never
 * retries. No verb ever shortens an expiry. A record expires by the store's own clock `ttlMs·(1+ρ)+δ` after the call,
 * which is later than any deadline told to a client.
 */
export interface LeaseStore {
  readonly name: string;
  readonly capabilities: StoreCapabilities;
  acquire(bids: readonly AcquireBid[]): Promise<readonly AcquireAnswer[]>;
  extend(bids: readonly ExtendBid[]): Promise<readonly ExtendAnswer[]>;
  handOff(bids: readonly HandOffBid[]): Promise<readonly HandOffAnswer[]>;
  adopt(bids: readonly AdoptBid[]): Promise<readonly AdoptAnswer[]>;
  release(bids: readonly ReleaseBid[]): Promise<readonly ReleaseAnswer[]>;
  /**
   * Says that `to` is likely to be handed the resource soon, in this order among other nominations of the resource. A
   * store may write ahead so that the hand-off itself costs no disk commit. A nomination grants nothing.
   */
  nominate(nominations: readonly Nomination[]): void;
  /** Says that a nominated grantee will not be handed the resource after all. */
  withdraw(nominations: readonly Nomination[]): void;
  /** The leases the store remembers; empty where the capability `listsLeases` is false. */
  storedLeases(): Iterable<StoredLease>;
  /** Finishes what is under way and lets go. Leases stay. */
  close(): Promise<void>;
}

/** See `LeaseStore.nominate`. */
export interface Nomination {
  readonly resource: ResourceKey;
  readonly to: Grantee;
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
