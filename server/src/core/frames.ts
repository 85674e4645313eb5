import type { Failure } from './failure.js';
import type { Hash, LeaseId, RequestId } from './names.js';
import type { TraceContext } from './ports.js';

/** What a client says, decoded, its secrets replaced by their hashes. The wire's `ClientFrame`, as the core sees it. */
export type ClientFrame =
  | OpenFrame
  | ResumeFrame
  | HeartbeatFrame
  | HeldListFrame
  | AcquireFrame
  | { readonly kind: 'cancel'; readonly id: number; readonly requestId: RequestId }
  | { readonly kind: 'release'; readonly id: number; readonly requestId: RequestId }
  | { readonly kind: 'extend'; readonly id: number; readonly requestId: RequestId }
  | { readonly kind: 'close'; readonly id: number }
  /** Decodable, but with a value that has no meaning (a secret of the wrong length, an unknown kind). */
  | { readonly kind: 'invalid'; readonly id: number; readonly failure: Failure };

export interface OpenFrame {
  readonly kind: 'open';
  readonly id: number;
  readonly protocolVersion: number;
  readonly sessionId: string;
  readonly secretHash: Hash;
  readonly clientName: string;
  /** Empty means `default`. */
  readonly namespace: string;
  readonly resume: boolean;
}

export interface ResumeFrame {
  readonly kind: 'resume';
  readonly id: number;
  readonly entries: readonly ResumeEntry[];
  readonly last: boolean;
}

export type ResumeEntry =
  | {
      readonly claim: 'held';
      readonly requestId: RequestId;
      readonly request: AcquireRequest;
      readonly leaseId: LeaseId;
      readonly token: bigint;
    }
  | { readonly claim: 'open'; readonly requestId: RequestId; readonly request: AcquireRequest }
  | { readonly claim: 'given_up'; readonly requestId: RequestId; readonly request: AcquireRequest };

export interface HeartbeatFrame {
  readonly kind: 'heartbeat';
  readonly id: number;
  readonly pushSeen: number;
  readonly heldCount: number;
  readonly heldHash: bigint;
}

export interface HeldListFrame {
  readonly kind: 'held_list';
  readonly id: number;
  readonly heartbeatId: number;
  readonly requestIds: readonly RequestId[];
  readonly last: boolean;
}

export interface AcquireFrame {
  readonly kind: 'acquire';
  readonly id: number;
  readonly request: AcquireRequest;
}

/** What an `Acquire` asks for, not yet checked against the limits. */
export interface AcquireRequest {
  readonly names: readonly string[];
  /** `undefined`: the server's default. */
  readonly ttlMs: number | undefined;
  readonly waitMs: number;
  readonly hash: Hash;
  readonly earlierHashes: readonly Hash[];
  readonly manualExtension: boolean;
  readonly trace: TraceContext | undefined;
}

/** "Not after `durationMs` from the moment you sent frame `anchor`." Whole milliseconds. */
export interface Validity {
  readonly anchor: number;
  readonly durationMs: number;
}

/** Whoever holds a resource, as far as it is known here; `clientName` is empty where it is not. */
export interface Holder {
  readonly leaseId: LeaseId | undefined;
  readonly clientName: string;
  readonly heldMs: number | undefined;
}

export type DeniedReason = 'held' | 'wait_expired' | 'cancelled';
export type ReleasedOutcome = 'released' | 'expired' | 'unknown';
export type LostReason = 'expired' | 'displaced';

export type ResumedLease =
  | { readonly requestId: RequestId; readonly outcome: 'held'; readonly validity: Validity }
  | { readonly requestId: RequestId; readonly outcome: 'lost' | 'unknown' | 'released' };

export interface Limits {
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly defaultTtlMs: number;
  readonly maxNameBytes: number;
  readonly maxMessageBytes: number;
  readonly maxFramesPerMessage: number;
  readonly maxRequestsPerSession: number;
  readonly graceMs: number;
}

/** What the server says. `id` is the frame it answers, 0 for a push. The wire's `ServerFrame`, as the core sees it. */
export type ServerFrame =
  | {
      readonly kind: 'opened';
      readonly id: number;
      readonly serverId: string;
      readonly heartbeatIntervalMs: number;
      readonly limits: Limits;
    }
  | {
      readonly kind: 'resumed';
      readonly id: number;
      readonly leases: readonly ResumedLease[];
      readonly push: number;
      readonly heartbeatIntervalMs: number;
    }
  | ExtendedFrame
  | { readonly kind: 'held_list_requested'; readonly id: number }
  | { readonly kind: 'queued'; readonly id: number; readonly position: number; readonly holder: Holder | undefined }
  | GrantedFrame
  | {
      readonly kind: 'denied';
      readonly id: number;
      readonly reason: DeniedReason;
      readonly holder: Holder | undefined;
      readonly position: number;
    }
  | { readonly kind: 'released'; readonly id: number; readonly outcome: ReleasedOutcome }
  | {
      readonly kind: 'lost';
      readonly id: 0;
      readonly requestId: RequestId;
      readonly reason: LostReason;
      readonly push: number;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'draining'; readonly id: 0; readonly remainingMs: number }
  | { readonly kind: 'closed'; readonly id: number };

export interface ExtendedFrame {
  readonly kind: 'extended';
  readonly id: number;
  /** 0 when nothing was extended. */
  readonly anchor: number;
  readonly groups: readonly { readonly durationMs: number; readonly requestIds: readonly RequestId[] }[];
  /** 0: unchanged. */
  readonly heartbeatIntervalMs: number;
}

export interface GrantedFrame {
  readonly kind: 'granted';
  readonly id: number;
  readonly leaseId: LeaseId;
  readonly tokens: readonly bigint[];
  readonly validity: Validity;
  readonly ttlMs: number;
  readonly heartbeatIntervalMs: number;
  readonly push: number;
}
