import type { Hash, LeaseId, ResourceKey, SessionId } from './names.js';

/** What a store keeps of the lease that a bid asks for. */
export interface Grantee {
  /** Hash of the secret that proves the lease. */
  readonly hash: Hash;
  readonly leaseId: LeaseId;
  readonly sessionId: SessionId;
  readonly clientName: string;
  readonly ttlMs: number;
}

/** Who holds a resource, as far as a store can tell; `leaseId` and `heldMs` only where the store keeps them. */
export interface StoredHolder {
  readonly leaseId: LeaseId | undefined;
  readonly clientName: string;
  readonly heldMs: number | undefined;
}

/** One try to get a resource for a request. */
export interface AcquireBid {
  readonly resource: ResourceKey;
  readonly grantee: Grantee;
  /** Hashes of older secrets of the same request; a grant made to one of them answers `mine`. */
  readonly earlierHashes: readonly Hash[];
  /** Its client waits, or others do: other servers are to hear of it. */
  readonly waits: boolean;
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
  /** `previous` is what became of the old holder's lease; `wanted`: another server waits for the resource. */
  | {
      readonly kind: 'granted';
      readonly token: bigint;
      readonly previous: 'released' | 'gone';
      readonly wanted: boolean;
    }
  /** The old holder's value is not there, so there is nothing to hand off. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'unavailable'; readonly message: string };

export interface AdoptBid {
  readonly resource: ResourceKey;
  /** Hashes of the secrets used for the lease so far, any of which may be in the store. */
  readonly presented: readonly Hash[];
  /** The lease's token: a record with another one is not this lease. */
  readonly token: bigint;
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
  /**
   * The lease's token: a record with another one stays. `undefined` only for a request its client has given up for good,
   * of which nobody knows whether anything was granted: then the secret alone decides.
   */
  readonly token: bigint | undefined;
  /**
   * Set when requests of this server wait for the resource still and it is released to give others their turn: hand-offs
   * of others are to find it `wanted`, as after a refused bid that waits.
   */
  readonly waits?: true;
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
  /** The one namespace there is; `undefined` where every namespace is as good as any other. */
  readonly onlyNamespace: string | undefined;
}

/** Takes the answer of one entry of a batch, by its index, once. */
export type Answered<Answer> = (index: number, answer: Answer) => void;

/** See `LeaseStore.nominate`. */
export interface Nomination {
  readonly resource: ResourceKey;
  readonly to: Grantee;
}

/** What other servers on the same store cause. Hints only: each may be missing, late or wrong. */
export interface StoreListener {
  /** A resource was released elsewhere; whoever waits for it may try at once. */
  released(resource: ResourceKey): void;
  /** Another server was refused this resource and would like to know by whom; answer with `introduce`. */
  wanted(resource: ResourceKey): void;
}

/** A holder, for those whom another server has to refuse. */
export interface Introduction {
  readonly resource: ResourceKey;
  readonly hash: Hash;
  readonly token: bigint;
  readonly clientName: string;
}

/**
 * Where leases are made durable.
 *
 * Every verb takes a batch and answers each entry exactly once, in any order, at once or later; one bad entry never fails
 * the others. A grant or adoption is durable before it is answered. A store never waits for a holder and never retries.
 * No verb ever shortens an expiry. A record expires by the store's own clock `ttlMs·(1+ρ)+δ` after the call, which is
 * later than any deadline told to a client.
 */
export interface LeaseStore {
  readonly name: string;
  readonly capabilities: StoreCapabilities;
  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void;
  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void;
  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void;
  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void;
  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void;
  /**
   * Says that `to` is likely to be handed the resource soon, in this order among other nominations of the resource. A
   * store may write ahead so that the hand-off itself costs no disk commit. A nomination grants nothing.
   */
  nominate(nominations: readonly Nomination[]): void;
  /** Says that a nominated grantee will not be handed the resource after all. */
  withdraw(nominations: readonly Nomination[]): void;
  /** The leases the store remembers; empty where the capability `listsLeases` is false. */
  storedLeases(): Iterable<StoredLease>;
  /** Says who hears of what other servers do. At most one; a store without other servers never calls. */
  listen(listener: StoreListener): void;
  /** Answers `StoreListener.wanted`. */
  introduce(introductions: readonly Introduction[]): void;
  /** What can be done to the nodes of a store that has them. */
  readonly nodes: StoreNodes | undefined;
  /** Finishes what is under way and lets go. Leases stay. */
  close(): Promise<void>;
}

/** One node of a store, for people. */
export interface NodeReport {
  readonly id: string;
  /** Without user name and password. */
  readonly address: string;
  readonly state: 'connecting' | 'admitted' | 'quarantined' | 'unavailable';
  /** Why it is in that state; empty where it is admitted. */
  readonly detail: string;
  /** How long until it votes again; `undefined` where no end is known. */
  readonly quarantineLeftMs: number | undefined;
  /** `redis 7.0.15`; empty while unknown. */
  readonly version: string;
  /** Its clock less the median of all nodes' clocks. */
  readonly clockOffsetMs: number | undefined;
  /** Smoothed round trip of a call. */
  readonly roundTripMs: number | undefined;
}

/** What an operator's order to the nodes came to. */
export type NodesOutcome =
  | { readonly kind: 'done'; readonly message: string }
  /** Not done, and nothing was changed, for a reason the operator can mend. */
  | { readonly kind: 'refused'; readonly message: string };

/** The nodes of a store, and what an operator can order. Promises never reject. */
export interface StoreNodes {
  report(): readonly NodeReport[];
  /** How many must vote. */
  readonly quorum: number;
  /** Why nothing can be granted now, for people; `undefined` when it can. */
  obstacle(): string | undefined;
  /** Declares the nodes a new cluster, so that nothing has to be waited out: only if all answer and all are empty. */
  declareNew(): Promise<NodesOutcome>;
  /** Makes one node forget what it knows, as a wipe would; it is quarantined afterwards. */
  reset(nodeId: string): Promise<NodesOutcome>;
  /**
   * Deletes the locks of a resource that outlast every lease there could be; any lock of it when `always`, which takes the
   * resource from a holder who may still rely on it.
   */
  forget(resource: ResourceKey, always: boolean): Promise<NodesOutcome>;
}
