import type { AcquireRequest, ReleasedOutcome } from './frames.js';
import { invariant } from './invariant.js';
import type { Hash, LeaseId, RequestId } from './names.js';
import type { AcquireSpan, Grantee } from './ports.js';
import type { Resource } from './resource.js';
import type { Session } from './session.js';
import { Deadline } from './timer-queue.js';
import type { Deadlines } from './validity.js';

/**
 * Where a request stands.
 * - waiting: in its resource's queue.
 * - bidding: in the queue still, a grant to it being made at the store.
 * - held: a lease.
 * - lapsed: the server's deadline has passed; the store's record may last a little longer. Only its release is left.
 * - adopting: the store is asked to swap its value for a resumed session.
 * - unadopted: the store could not say; asked again with every beat.
 * - releasing: the store is asked to free it.
 * - ended: gone from every table.
 */
export type RequestState = 'waiting' | 'bidding' | 'held' | 'lapsed' | 'adopting' | 'unadopted' | 'releasing' | 'ended';

/** What a lease has that a request has not. */
export interface Lease {
  readonly leaseId: LeaseId;
  readonly token: bigint;
  readonly grantedAtMs: number;
  readonly grantedAtWallMs: number;
}

/** Shared by all requests: most never get anything else, or only for a moment. */
const NO_DEADLINES: Deadlines = { toldMs: 0, serverMs: 0, storeMs: 0 };
export const NOBODY: readonly ReleaseListener[] = [];

/** Is told once how a lease was given back, when the store has said. */
export type ReleaseListener = (outcome: ReleasedOutcome) => void;

/** One acquire, from its arrival to the end of the lease that came of it. */
export class LeaseRequest {
  state: RequestState = 'waiting';
  slot = -1;

  /** Hash of the newest secret, and those of older ones, oldest first. */
  hash: Hash;
  earlierHashes: readonly Hash[];
  /** The client gave it up while a bid was under way: a grant is released untold. */
  givenUp = false;
  /** The session resumed while a bid was under way, with a new secret: a grant is adopted before it is told. */
  adoptWhenGranted = false;
  /** How long it may wait from its arrival; after a resume, from the resume. */
  waitMs: number;
  waitUntilMs: number;
  toldPosition = 0;
  nominated = false;
  span: AcquireSpan | undefined;

  lease: Lease | undefined;
  /** Made with the request, so that every bid for it names the same. */
  leaseId: LeaseId;
  deadlines: Deadlines = NO_DEADLINES;
  /** When its newest extension (or its grant) was asked of the store. */
  renewedAtMs = 0;
  /** Share of the TTL after which it is due: spread, so that leases granted together are not extended together. */
  readonly dueShare: number;
  readonly manualExtension: boolean;
  extending = false;
  /** Set by a held list it was missing from: never extended again. */
  abandoned = false;
  /** Those who wait for the store to say that it is given back. */
  releaseListeners: readonly ReleaseListener[] = NOBODY;

  /** Its next deadline: the end of the wait, the server's deadline, the store's expiry, each in its turn. */
  readonly deadline: Deadline<LeaseRequest>;

  constructor(
    readonly session: Session,
    readonly id: RequestId,
    readonly resource: Resource,
    readonly ttlMs: number,
    request: Pick<AcquireRequest, 'hash' | 'earlierHashes' | 'manualExtension' | 'waitMs'>,
    readonly arrivedAtMs: number,
    leaseId: LeaseId,
    jitter: number,
    onDue: (request: LeaseRequest) => void,
  ) {
    this.hash = request.hash;
    this.earlierHashes = request.earlierHashes;
    this.manualExtension = request.manualExtension;
    this.waitMs = request.waitMs;
    this.waitUntilMs = arrivedAtMs + request.waitMs;
    this.leaseId = leaseId;
    this.dueShare = 0.5 - 0.1 * jitter;
    this.deadline = new Deadline<LeaseRequest>(this, onDue);
  }

  /** Gone from every table, perhaps while a call for it was under way. */
  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  /** What the store is to keep of it. */
  grantee(): Grantee {
    return {
      hash: this.hash,
      leaseId: this.leaseId,
      sessionId: this.session.id,
      clientName: this.session.clientName,
      ttlMs: this.ttlMs,
    };
  }

  /** Every hash the store may know it by. */
  allHashes(): readonly Hash[] {
    return this.earlierHashes.length === 0 ? [this.hash] : [...this.earlierHashes, this.hash];
  }

  /** The lease, where the state implies one. */
  heldLease(): Lease {
    invariant(this.lease !== undefined, 'S5', () => `request ${this.id} is ${this.state} without a lease`);
    return this.lease;
  }

  /** Raises the deadlines; none ever moves back (S3). */
  raiseDeadlines(to: Deadlines): void {
    const now = this.deadlines;
    if (to.toldMs >= now.toldMs && to.serverMs >= now.serverMs && to.storeMs >= now.storeMs) {
      this.deadlines = to;
      return;
    }
    this.deadlines = {
      toldMs: Math.max(now.toldMs, to.toldMs),
      serverMs: Math.max(now.serverMs, to.serverMs),
      storeMs: Math.max(now.storeMs, to.storeMs),
    };
  }
}
