import type { Failure } from './failure.js';
import type { ClientFrame, Limits, ServerFrame } from './frames.js';
import type { LeaseId, SessionId } from './names.js';
import type { CoreSizes } from './ports.js';

/** A live stream, as the core sees it: somewhere to send. Implemented by the rpc room and by the simulator. */
export interface StreamPort {
  /** Queues a frame; frames of one turn leave in one message. */
  send(frame: ServerFrame): void;
  /** Ends the stream after what was sent: with OK, or with an error status. No call to `closed` follows. */
  end(failure?: Failure): void;
}

/** The core's side of a live stream. */
export interface StreamHandler {
  /** Takes the frames of one message, in order. `receivedAtMs` is the monotonic time the message came in. */
  receive(frames: readonly ClientFrame[], receivedAtMs: number): void;
  /** Asks the client to move to another stream within that time. */
  drain(remainingMs: number): void;
  /** The stream is gone, however that came about. */
  closed(): void;
}

/** Everything the core enforces or assumes. Durations in milliseconds. */
export interface CoreSettings {
  readonly serverId: string;
  readonly limits: Limits;
  /** ρ: how far apart two clocks' rates may be. 0.01 is 1 %. */
  readonly clockRateDrift: number;
  /** δ: taken off every told duration, for timer granularity. */
  readonly clockMarginMs: number;
  /** Least validity worth delivering is the greater of this share of the TTL … */
  readonly minValidityShare: number;
  /** … and this. */
  readonly minValidityMs: number;
  readonly maxSessions: number;
  readonly maxWaitersPerResource: number;
  /** Greatest heartbeat interval; the actual one is at most a sixth of the session's shortest TTL. */
  readonly maxHeartbeatIntervalMs: number;
}

/** One lease in a listing. */
export interface ListedLease {
  readonly namespace: string;
  readonly name: string;
  readonly leaseId: LeaseId;
  readonly token: bigint;
  readonly clientName: string;
  readonly sessionId: SessionId;
  readonly sessionState: 'attached' | 'detached' | 'unclaimed';
  readonly grantedAtWallMs: number;
  readonly ttlMs: number;
  readonly remainingMs: number;
  readonly waiters: number;
}

/** The server core as the rpc room and the composition root use it. */
export interface ServerCoreApi {
  readonly settings: CoreSettings;
  /** A stream was opened. */
  connect(stream: StreamPort): StreamHandler;
  /** Tells every stream to move elsewhere and refuses new sessions. Leases stay. */
  drain(remainingMs: number): void;
  /** Streams that are open now. */
  openStreams(): number;
  /** Ends every stream with UNAVAILABLE (DRAINING). Leases stay in the store. */
  endStreams(): void;
  /** Leases known here, ordered by namespace and name (code units), beginning after `after`. */
  listLeases(query: LeaseQuery): readonly ListedLease[];
  sizes(): CoreSizes;
}

export interface LeaseQuery {
  /** Empty for all. */
  readonly namespace: string;
  /** Empty for all. */
  readonly namePrefix: string;
  /** Exclusive start. */
  readonly after: { readonly namespace: string; readonly name: string } | undefined;
  readonly limit: number;
}
