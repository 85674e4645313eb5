import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { LostReason, ReleasedOutcome } from './frames.js';
import { invariant } from './invariant.js';
import { type LeaseRequest, NOBODY, type ReleaseListener } from './lease-request.js';
import type { LeaseEnd, ReleaseAnswer } from './ports.js';
import type { Session } from './session.js';

/** How leases end: given back, lapsed, displaced, or with their session. */
export class Endings {
  constructor(
    private readonly ctx: CoreContext,
    private readonly contention: Contention,
  ) {}

  /** The client gives a lease (or a request that has become one behind its back) back. `frameId` wants an answer. */
  release(session: Session, requestId: number, frameId: number): void {
    const request = session.requests.get(requestId);
    session.attachment?.held.released(requestId);
    const answer = (outcome: ReleasedOutcome): void => session.send({ kind: 'released', id: frameId, outcome });
    if (request === undefined) answer('expired');
    else this.giveBack(request, 'released', answer);
  }

  /** Frees what a request has, on its client's word. Whoever listens is told when that is done. */
  giveBack(request: LeaseRequest, end: LeaseEnd, listener?: ReleaseListener): void {
    if (listener !== undefined) request.releaseListeners = [...request.releaseListeners, listener];
    switch (request.state) {
      case 'waiting':
      case 'bidding':
        this.#answer(request, 'released');
        this.contention.cancel(request);
        return;
      case 'adopting':
        request.givenUp = true;
        return;
      case 'held':
      case 'lapsed':
      case 'unadopted': {
        const ended = request.state === 'lapsed' ? 'expired' : end;
        this.contention.free(request, (answer) => this.#freed(request, ended, answer));
        return;
      }
      case 'releasing':
      case 'ended':
        return;
    }
  }

  /** The server's deadline has passed. The client has let go before; the store decides when the resource is free. */
  lapse(request: LeaseRequest): void {
    invariant(this.ctx.nowMs() >= request.deadlines.serverMs, 'S3', 'a lease lapsed before its deadline');
    request.state = 'lapsed';
    request.session.renewals.remove(request);
    this.#tellLost(request, 'expired');
    this.ctx.timers.set(request.deadline, request.deadlines.storeMs);
    this.contention.pump(request.resource);
  }

  /** The store holds another value: the lease is gone, and its client is told unless it has been. */
  displaced(request: LeaseRequest): void {
    if (request.state === 'lapsed') {
      this.gone(request, 'expired');
      return;
    }
    this.#tellLost(request, 'displaced');
    this.gone(request, 'displaced');
  }

  /** Nothing of the lease is left at the store, and its client knows. */
  gone(request: LeaseRequest, end: 'expired' | 'displaced'): void {
    this.#answer(request, 'expired');
    this.#ended(request, end);
    this.contention.freed(request.resource);
    this.ctx.settleSession(request.session);
  }

  /** Gives back whatever a session still has, except what `keep` says. */
  giveBackAll(session: Session, keep: (request: LeaseRequest) => boolean = () => false): void {
    const all = [...session.requests.values()].filter((request) => !keep(request));
    for (const { id } of all) session.attachment?.held.released(id);
    const waiting = all.filter(isWaiting);
    for (const request of waiting) this.#answer(request, 'released');
    this.contention.cancelAll(waiting);
    for (const request of all) this.giveBack(request, 'closed');
  }

  /** The grace of a session without a stream is over: its places are given up; its leases lapse by themselves. */
  graceOver(session: Session): void {
    const all = [...session.requests.values()];
    this.contention.cancelAll(all);
    for (const request of all) {
      if (request.state === 'unadopted') this.gone(request, 'expired');
    }
    this.ctx.settleSession(session);
  }

  #freed(request: LeaseRequest, end: LeaseEnd, answer: ReleaseAnswer): void {
    if (request.state === 'ended') return;
    this.#answer(request, answer === 'gone' ? 'expired' : answer);
    this.#ended(request, end);
    this.ctx.settleSession(request.session);
  }

  #answer(request: LeaseRequest, outcome: ReleasedOutcome): void {
    const listeners = request.releaseListeners;
    request.releaseListeners = NOBODY;
    for (const listener of listeners) listener(outcome);
  }

  #ended(request: LeaseRequest, end: LeaseEnd): void {
    const { lease, resource } = request;
    if (resource.holder === request) resource.holder = undefined;
    this.ctx.endRequest(request);
    if (lease === undefined) return;
    const nowMs = this.ctx.nowMs();
    this.ctx.telemetry.leaseEnded(end, nowMs - lease.grantedAtMs, Math.max(0, request.deadlines.toldMs - nowMs));
  }

  #tellLost(request: LeaseRequest, reason: LostReason): void {
    const { session } = request;
    const { leaseId, token } = request.heldLease();
    const { attachment } = session;
    if (attachment !== undefined) {
      const push = attachment.held.nextPush();
      attachment.held.lost(push, request.id);
      session.send({ kind: 'lost', id: 0, requestId: request.id, reason, push });
    }
    const resource = request.resource.key;
    this.ctx.telemetry.event({ kind: 'lease_lost', sessionId: session.id, leaseId, resource, token, reason });
  }
}

function isWaiting({ state }: LeaseRequest): boolean {
  return state === 'waiting' || state === 'bidding';
}
