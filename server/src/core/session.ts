import { CellMap } from './cell-map.js';
import type { Failure } from './failure.js';
import type { ServerFrame } from './frames.js';
import { HeldSet } from './held-set.js';
import type { LeaseRequest } from './lease-request.js';
import type { Hash, RequestId, SessionId } from './names.js';
import { RenewalOrder } from './renewal-order.js';
import type { Resource } from './resource.js';
import type { CoreSettings, StreamPort } from './session-api.js';
import { Deadline } from './timer-queue.js';
import type { Anchor } from './validity.js';

/** A session's live stream, from `Open` until it ends or another takes over. */
export class Attachment {
  readonly held = new HeldSet();
  /** The newest frame received. */
  anchor: Anchor;
  /** The requests listed so far by `Resume`; `undefined` once everything is listed. */
  resuming: Set<RequestId> | undefined;
  /** The Heartbeat whose account differed, until the list has arrived. */
  listAwaitedFor:
    | { readonly heartbeatId: number; readonly pushSeen: number; readonly listed: Set<RequestId> }
    | undefined;
  /** The interval last told. */
  toldIntervalMs: number;

  constructor(
    readonly port: StreamPort,
    opened: Anchor,
    resume: boolean,
    intervalMs: number,
  ) {
    this.anchor = opened;
    this.resuming = resume ? new Set() : undefined;
    this.toldIntervalMs = intervalMs;
  }
}

/** One client process as the server sees it, over however many streams. */
export class Session {
  attachment: Attachment | undefined;
  lastFrameId = 0;
  clientName: string;
  /** Every request without a final end: waiters and leases. */
  readonly requests = new CellMap<RequestId, LeaseRequest>();
  readonly renewals = new RenewalOrder();
  /** Requests whose adoption the store could not decide. */
  readonly unadopted = new Set<LeaseRequest>();
  /** Resources where a grant passed over a waiter of this session. */
  readonly passedOver = new Set<Resource>();
  /** Ends the time its queue places are kept without a stream. */
  readonly grace: Deadline<Session>;
  /** The `Close` frame that waits for the last release; `undefined` when it is not closing. */
  closing: { readonly frameId: number } | undefined;

  constructor(
    readonly id: SessionId,
    readonly namespace: string,
    clientName: string,
    readonly secretHash: Hash,
    onGraceOver: (session: Session) => void,
  ) {
    this.clientName = clientName;
    this.grace = new Deadline<Session>(this, onGraceOver);
  }

  /** Sends on the live stream; without one the frame is dropped, for the client will say on resume what it still needs. */
  send(frame: ServerFrame): void {
    this.attachment?.port.send(frame);
  }

  endStream(failure?: Failure): void {
    this.attachment?.port.end(failure);
    this.attachment = undefined;
  }

  /** The interval its beats should come at: a sixth of its shortest TTL, within the server's bounds. */
  heartbeatIntervalMs(settings: CoreSettings, ttlMs?: number): number {
    const shortest = Math.min(this.renewals.shortestTtlMs() ?? settings.limits.defaultTtlMs, ttlMs ?? Infinity);
    return Math.max(1, Math.min(settings.maxHeartbeatIntervalMs, Math.floor(shortest / 6)));
  }
}
