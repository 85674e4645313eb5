import type {
  Denied,
  Extended,
  Failed,
  Granted,
  Lost,
  Lost_Reason,
  Opened,
  Queued,
  Released_Outcome,
  ServerFrame,
} from '@holdfast/protocol';
import type { Acquisitions } from './acquisitions.js';
import type { Beats } from './beats.js';
import type { ReleaseOutcome } from './claim.js';
import type { SessionContext } from './context.js';
import type { Endings } from './endings.js';
import { errorFromFailure } from './failures.js';
import type { HeldLease } from './held-lease.js';
import type { Leases } from './leases.js';
import type { SessionPorts } from './ports.js';
import type { Resumption } from './resumption.js';

const WAS_RELEASED: Released_Outcome.OUTCOME_RELEASED = 1;
const WAS_EXPIRED: Released_Outcome.OUTCOME_EXPIRED = 2;
const LOST_DISPLACED: Lost_Reason.REASON_DISPLACED = 2;

/** No request id takes more in a frame. */
const ID_BYTES = 10;

/** The parts of a session that frames are for. */
export interface ReceiverParts {
  readonly acquisitions: Acquisitions;
  readonly leases: Leases;
  readonly endings: Endings;
  readonly resumption: Resumption;
  readonly beats: Beats;
  /** The server answered `Open`. */
  readonly opened: (opened: Opened) => void;
  /** The server wants to be left. */
  readonly draining: () => void;
  /** The server could not reach its store. */
  readonly storeAway: () => void;
  /** The server answered `Close`. */
  readonly closed: () => void;
}

/** Takes what the server says on the present stream. */
export class Receiver {
  readonly #readFailure: SessionPorts['readFailure'];

  constructor(
    private readonly ctx: SessionContext,
    private readonly parts: ReceiverParts,
    readFailure: SessionPorts['readFailure'],
  ) {
    this.#readFailure = readFailure;
  }

  receive(frames: readonly ServerFrame[]): void {
    const { outbox } = this.ctx;
    const { epoch } = outbox;
    this.parts.beats.heard();
    for (const frame of frames) {
      // What a holder does when it hears of a loss may end this very stream.
      if (outbox.epoch !== epoch) return;
      this.#take(Number(frame.id), frame.kind);
    }
  }

  #take(id: number, kind: ServerFrame['kind']): void {
    const { beats, opened, draining, closed, resumption } = this.parts;
    switch (kind?.$case) {
      case 'opened':
        opened(kind.value);
        break;
      case 'resumed':
        beats.pushSeen = kind.value.push;
        beats.told(kind.value.heartbeatIntervalMs);
        resumption.resumed(kind.value);
        break;
      case 'extended':
        this.#extended(id, kind.value);
        break;
      case 'heldListRequested':
        this.#listHeld(id);
        break;
      case 'queued':
        this.#queued(id, kind.value);
        break;
      case 'granted':
        this.#granted(id, kind.value);
        break;
      case 'denied':
        this.#denied(id, kind.value);
        break;
      case 'released':
        this.#released(id, outcomeOf(kind.value.outcome));
        break;
      case 'lost':
        this.#lost(kind.value);
        break;
      case 'failed':
        this.#failed(id, kind.value);
        break;
      case 'draining':
        draining();
        break;
      case 'closed':
        closed();
        break;
      case undefined:
        break;
    }
  }

  #queued(id: number, queued: Queued): void {
    const stage = this.ctx.claims.get(id)?.stage;
    if (stage?.kind === 'open') this.parts.acquisitions.queued(stage.acquisition, queued);
  }

  #denied(id: number, denied: Denied): void {
    const claim = this.ctx.claims.get(id);
    if (claim?.stage.kind === 'open') this.parts.acquisitions.denied(claim.stage.acquisition, claim, denied);
    else if (claim?.stage.kind === 'givenUp') this.parts.endings.forget(claim, 'released');
  }

  #granted(id: number, granted: Granted): void {
    const { acquisitions, beats, endings } = this.parts;
    beats.pushSeen = granted.push;
    beats.told(granted.heartbeatIntervalMs);
    const claim = this.ctx.claims.get(id);
    switch (claim?.stage.kind) {
      case undefined:
        endings.releaseUnknown(id);
        break;
      case 'open':
        acquisitions.granted(claim.stage.acquisition, claim, granted);
        break;
      case 'held':
        this.#grantedAgain(claim.stage.lease, granted);
        break;
      case 'givenUp':
        if (!this.ctx.replies.has(claim.releaseId)) endings.sayRelease(claim);
        break;
    }
  }

  #grantedAgain(lease: HeldLease, { leaseId, validity }: Granted): void {
    if (lease.leaseId !== leaseId || validity === undefined) return;
    this.parts.leases.raise(lease, Number(validity.anchor), validity.durationMs);
  }

  #extended(id: number, { anchor, groups, heartbeatIntervalMs }: Extended): void {
    const { claims, held, replies } = this.ctx;
    const { beats, leases } = this.parts;
    beats.told(heartbeatIntervalMs);
    held.beatAnswered(id);
    const reply = replies.get(id);
    let repliesLease = false;
    for (const { durationMs, requestIds } of groups) {
      for (const requestId of requestIds) {
        const stage = claims.get(Number(requestId))?.stage;
        if (stage?.kind !== 'held') continue;
        repliesLease ||= reply?.kind === 'extend' && reply.lease === stage.lease;
        leases.raise(stage.lease, Number(anchor), durationMs);
      }
    }
    if (reply?.kind !== 'extend') return;
    replies.delete(id);
    leases.extendAnswered(reply.lease, repliesLease);
  }

  #listHeld(heartbeatId: number): void {
    const { held, outbox } = this.ctx;
    const ids = held.heldAt(heartbeatId);
    held.beatAnswered(heartbeatId);
    const idsPerFrame = Math.max(1, Math.floor(outbox.maxFrameBytes / ID_BYTES));
    for (let begin = 0; begin === 0 || begin < ids.length; begin += idsPerFrame) {
      const end = begin + idsPerFrame;
      const requestIds = ids.slice(begin, end).map(BigInt);
      const value = { heartbeatId: BigInt(heartbeatId), requestIds, last: end >= ids.length };
      outbox.say({ $case: 'heldList', value });
    }
  }

  #released(id: number, outcome: ReleaseOutcome): void {
    const reply = this.ctx.replies.get(id);
    if (reply?.kind !== 'release') return;
    this.ctx.replies.delete(id);
    this.parts.endings.forget(reply.claim, outcome);
  }

  #lost({ push, reason, requestId }: Lost): void {
    const { beats, leases } = this.parts;
    beats.pushSeen = push;
    const stage = this.ctx.claims.get(Number(requestId))?.stage;
    if (stage?.kind === 'held') leases.lost(stage.lease, reason === LOST_DISPLACED ? 'displaced' : 'expired');
  }

  #failed(id: number, { status }: Failed): void {
    const { acquisitions, endings, leases } = this.parts;
    const { claims, replies } = this.ctx;
    const failure = this.#readFailure(status);
    if (failure.reason === 'STORE_UNAVAILABLE') this.parts.storeAway();
    const claim = claims.get(id);
    if (claim?.stage.kind === 'open') {
      acquisitions.failed(claim.stage.acquisition, claim, failure);
      return;
    }
    if (claim?.stage.kind === 'givenUp') {
      endings.forget(claim, 'released');
      return;
    }
    const reply = replies.get(id);
    replies.delete(id);
    const isLost = failure.reason === 'LEASE_LOST';
    if (reply?.kind === 'release') endings.forget(reply.claim, isLost ? 'expired' : 'unknown');
    if (reply?.kind !== 'extend') return;
    if (isLost && reply.lease.claim.stage.kind === 'held') leases.lost(reply.lease, 'expired');
    else leases.extendAnswered(reply.lease, false, errorFromFailure(failure));
  }
}

function outcomeOf(outcome: Released_Outcome): ReleaseOutcome {
  if (outcome === WAS_RELEASED) return 'released';
  return outcome === WAS_EXPIRED ? 'expired' : 'unknown';
}
