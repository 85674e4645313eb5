import type { Hash } from '../../../core/names.js';

/** The logical name of a node, such as `redis-4`. A host that replaces another under its name is a wiped node. */
export type NodeId = string;

/**
 * A token as the nodes compare it: whole microseconds below 2^53, exact in JavaScript's and in Lua's numbers. It becomes a
 * `bigint` where the store answers.
 */
export type NodeToken = number;

/** What stands at a node for a lease: `hash:token`. */
export type LockValue = string & { readonly __brand: 'LockValue' };

export function lockValue(hash: Hash, token: NodeToken): LockValue {
  return `${hash}:${token}` as LockValue;
}

/** Any value of one secret, whatever its token. Only for what its client has given up for good. */
export function anyValueOf(hash: Hash): LockValue {
  return `${hash}:` as LockValue;
}

/** `key` is the lock's key on the node, made from the key template. */
export interface AcquireEntry {
  readonly key: string;
  readonly value: LockValue;
  readonly expiryMs: number;
  /** Hashes of older secrets of the same request: a value of one of them answers `mine`. */
  readonly earlierHashes: readonly Hash[];
  /**
   * Since when requests of this server wait for it, microseconds of the nodes' time; 0: they do not. When it is refused a
   * want is left, so that its release is announced; whoever has waited longest goes first.
   */
  readonly waitingSinceUs: number;
}

export type AcquireVote =
  | { readonly kind: 'ok' }
  /**
   * `value` is what stands there; empty where it was released just now and another server has waited longer. `expiresInMs` is -1
   * where it never expires; `holder` where its server has said so.
   */
  | { readonly kind: 'held'; readonly value: string; readonly expiresInMs: number; readonly holder: string | undefined }
  /** The value there belongs to an older secret of this request. Nothing was changed. */
  | { readonly kind: 'mine'; readonly hash: Hash; readonly token: NodeToken }
  /** The token does not exceed the node's ballot. */
  | { readonly kind: 'low'; readonly ballot: NodeToken }
  /** The token is outside the window around the node's clock. */
  | { readonly kind: 'ahead' | 'behind' }
  | EntryFault;

/** This entry failed at this node, and left nothing there. */
export interface EntryFault {
  readonly kind: 'fault';
  readonly code: 'wrong_type' | 'out_of_memory' | 'error';
  readonly message: string;
}

export interface ExtendEntry {
  readonly key: string;
  readonly value: LockValue;
  readonly expiryMs: number;
}

/** `missing` carries the ballot as it was read, `undefined` where there is none. */
export type ExtendVote =
  | { readonly kind: 'ok' }
  | { readonly kind: 'missing'; readonly ballot: NodeToken | undefined }
  | { readonly kind: 'lost' }
  | EntryFault;

export interface AdoptEntry {
  readonly key: string;
  /** Any of these is swapped for `value`; `value` itself counts as swapped. */
  readonly presented: readonly LockValue[];
  readonly value: LockValue;
  readonly expiryMs: number;
}

export interface HandOffEntry {
  readonly key: string;
  /** The old holder's values, any of which is swapped for `value`. */
  readonly from: readonly LockValue[];
  readonly value: LockValue;
  readonly expiryMs: number;
}

export type HandOffVote =
  /** `swapped`: from the old holder's value; `fresh`: nothing stood there. `wanted`: another server waits for it. */
  | { readonly kind: 'ok'; readonly how: 'swapped' | 'fresh'; readonly wanted: boolean }
  | { readonly kind: 'held' }
  | { readonly kind: 'low'; readonly ballot: NodeToken }
  | { readonly kind: 'ahead' | 'behind' }
  | EntryFault;

/** Gives back a lease, or aborts a bid. */
export interface ReleaseEntry {
  readonly key: string;
  readonly values: readonly LockValue[];
  /** Where none of the values stands, the ballot is raised above this token, so that nothing late brings it back; 0: not. */
  readonly tombstone: NodeToken;
  /** As in `AcquireEntry`: released only to give other servers their turn. */
  readonly waitingSinceUs: number;
}

export type ReleaseVote =
  | { readonly kind: 'released'; readonly wanted: boolean }
  | { readonly kind: 'gone' }
  | EntryFault;

/** Puts back a lease of which the node said `missing`, if nothing else has happened there since. */
export interface RepairEntry {
  readonly key: string;
  readonly value: LockValue;
  readonly token: NodeToken;
  /** The ballot that came with `missing`. */
  readonly ballot: NodeToken | undefined;
  /** By the node's clock: when `missing` was said, plus the validity that remained. Nothing is put back after it. */
  readonly notAfterUs: number;
}

export type RepairVote = { readonly kind: 'ok' } | { readonly kind: 'refused' } | EntryFault;

/** Tells whoever is refused at this node who the holder is. */
export interface IntroduceEntry {
  readonly key: string;
  readonly value: LockValue;
  readonly holder: string;
}

export type IntroduceVote = { readonly kind: 'ok' } | { readonly kind: 'refused' } | EntryFault;

/** Deletes a lock that outlasts every lease there could be, or (`always`) any lock. */
export interface ForgetEntry {
  readonly key: string;
  readonly longerThanMs: number;
}

export type ForgetVote =
  | { readonly kind: 'forgotten'; readonly value: string; readonly expiresInMs: number }
  | { readonly kind: 'kept'; readonly value: string; readonly expiresInMs: number }
  | { readonly kind: 'absent' }
  | EntryFault;

/** The verbs that come in batches, each with its entry and what a node says of it. */
export interface BatchVerbs {
  readonly acquire: { readonly entry: AcquireEntry; readonly vote: AcquireVote };
  readonly hand_off: { readonly entry: HandOffEntry; readonly vote: HandOffVote };
  readonly release: { readonly entry: ReleaseEntry; readonly vote: ReleaseVote };
  readonly extend: { readonly entry: ExtendEntry; readonly vote: ExtendVote };
  readonly adopt: { readonly entry: AdoptEntry; readonly vote: ExtendVote };
  readonly repair: { readonly entry: RepairEntry; readonly vote: RepairVote };
  readonly introduce: { readonly entry: IntroduceEntry; readonly vote: IntroduceVote };
  readonly forget: { readonly entry: ForgetEntry; readonly vote: ForgetVote };
}

export type BatchVerb = keyof BatchVerbs;

/** One batch, shared by all nodes, so that it is encoded once. At most `MAX_ENTRIES` entries. */
export interface NodeBatch<V extends BatchVerb = BatchVerb> {
  readonly verb: V;
  readonly entries: readonly BatchVerbs[V]['entry'][];
}

export const MAX_ENTRIES = 256;

/** The configuration all servers of a cluster share, as a node keeps it. */
export interface ClusterConfiguration {
  readonly hash: string;
  readonly generation: number;
}

/** What a node says of itself with every answer. */
export interface NodeStanding {
  /** The greater of its clock and the highest moment it has seen; microseconds since 1970. */
  readonly nowUs: number;
  /** Its clock alone. */
  readonly clockUs: number;
  /** Its admission names the process and history that this connection was verified for. */
  readonly admitted: boolean;
  readonly configuration: ClusterConfiguration | undefined;
}

/** Why no vote came from a node. Shown to people. */
export interface NodeFault {
  readonly kind:
    | 'unreachable'
    | 'timed_out'
    | 'refused_password'
    | 'no_permission'
    | 'read_only'
    | 'loading'
    | 'cannot_persist'
    | 'unverified'
    | 'unsuitable'
    | 'overloaded'
    | 'error';
  /** To be read after the node's name: "timed out after 300 ms". Carries no password. */
  readonly message: string;
}

export type BatchReply<V extends BatchVerb> =
  | {
      readonly kind: 'votes';
      readonly standing: NodeStanding;
      /** One for each entry. */
      readonly votes: readonly BatchVerbs[V]['vote'][];
    }
  /** Nothing was done: the node is not admitted, or belongs to another configuration. Acquire and hand-off only. */
  | { readonly kind: 'barred'; readonly standing: NodeStanding; readonly why: 'not_admitted' | 'other_configuration' }
  /** Whether anything was done is unknown, unless the fault says that nothing was sent. */
  | { readonly kind: 'fault'; readonly fault: NodeFault };

/** Bookkeeping of one node. */
export type NodeErrand =
  /** Reads the standing, and keeps the admission from expiring. */
  | { readonly kind: 'pulse' }
  /** Writes the configuration where there is none, and raises the greatest time to live. */
  | { readonly kind: 'confirm'; readonly configuration: ClusterConfiguration; readonly maxTtlMs: number }
  /** Begins a wait for admission, unless one of this identity has begun. */
  | { readonly kind: 'mark'; readonly nonce: string }
  /** Admits the node if the mark still carries this nonce. */
  | { readonly kind: 'admit'; readonly nonce: string; readonly configuration: ClusterConfiguration }
  /** Takes the admission away. */
  | { readonly kind: 'unadmit' }
  /** Looks whether anything of a cluster is there. */
  | { readonly kind: 'census' }
  /**
   * Admits a node without bookkeeping at once if the mark still carries this nonce: the declaration of a new cluster. Without
   * that, one that comes late would admit a node that has voted since, and has forgotten it.
   */
  | {
      readonly kind: 'declare';
      readonly nonce: string;
      readonly configuration: ClusterConfiguration;
      readonly maxTtlMs: number;
    }
  /** Forgets ballots, the highest moment and the admission, as a wipe would; locks stay. */
  | { readonly kind: 'reset' };

export type ErrandReply =
  | { readonly kind: 'done'; readonly standing: NodeStanding; readonly outcome: ErrandOutcome }
  | { readonly kind: 'fault'; readonly fault: NodeFault };

export type ErrandOutcome =
  | { readonly kind: 'pulse' }
  | {
      readonly kind: 'confirm';
      readonly answer: 'claimed' | 'equal' | 'other';
      /** The greatest time to live any server of the cluster has had, as far as this node knows. */
      readonly greatestTtlMs: number;
    }
  /** The nonce the mark carries now; `undefined` where the node is admitted. */
  | { readonly kind: 'mark'; readonly nonce: string | undefined }
  | { readonly kind: 'admit'; readonly admitted: boolean }
  | { readonly kind: 'unadmit' }
  /** Up to three examples of what was found; empty: nothing. */
  | { readonly kind: 'census'; readonly found: readonly string[] }
  | { readonly kind: 'declare'; readonly admitted: boolean }
  | { readonly kind: 'reset'; readonly forgottenKeys: number };

/** What a node said about itself when its connection was verified, and says again on a timer. */
export interface NodeFacts {
  /** run_id and replication id: changes with every restart, promotion and first replica. */
  readonly identity: string;
  /** `redis 7.0.15`, `valkey 8.0.1`. */
  readonly version: string;
  readonly evictedKeys: number;
}

/** Told by a node about its connection. */
export interface NodeListener {
  /** Connected, and it is what it should be; called again with every check. Calls are possible until `down`. */
  verified(facts: NodeFacts): void;
  /** Not connected, or not fit for use. Told once for each different fault. */
  down(fault: NodeFault): void;
  /** A lock with a want was released there. */
  released(key: string): void;
  /** Somebody is refused for this lock, and would like to know by whom. */
  wanted(key: string): void;
}

/**
 * One Redis, as the coordinator sees it: at most one connection for calls, which are answered in order. A call made while
 * the node is not verified is answered with its fault at once. Keeps no queue, no deadline and no policy.
 */
export interface RedisNode {
  readonly id: NodeId;
  open(listener: NodeListener): void;
  batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void;
  errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void;
  /** A call has been unanswered for so long that the connection is taken for dead: connect anew. */
  reconnect(): void;
  close(): Promise<void>;
}
