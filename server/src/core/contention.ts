import { type CoreContext, storeUnavailable } from './core-context.js';
import type { DeniedReason } from './frames.js';
import { Grants } from './grants.js';
import type { LeaseRequest } from './lease-request.js';
import type { AcquireAnswer, AdoptAnswer, HandOffAnswer, ReleaseAnswer } from './ports.js';
import type { Resource } from './resource.js';
import type { Attachment } from './session.js';
import type { Anchor } from './validity.js';
import type { WaitingRoom } from './waiting-room.js';

/** A bid for a request, with the stream and the anchor it was made under. */
interface Bid {
  readonly request: LeaseRequest;
  readonly attachment: Attachment;
  readonly anchor: Anchor;
}

/** How long to leave a store alone that could not answer: this, plus as much again at random. */
const STORE_RETRY_MS = 250;

/**
 * Who gets a resource next: the queue, the one bid under way for its head, and what becomes of the answer.
 *
 * One contender per resource: while a store call that may change its holder is under way, nobody else bids. Grants pass
 * over waiters whose client is not there to receive them.
 */
export class Contention {
  readonly #ctx: CoreContext;
  readonly #grants: Grants;
  readonly #waiting: WaitingRoom;

  constructor(ctx: CoreContext, waiting: WaitingRoom) {
    this.#ctx = ctx;
    this.#waiting = waiting;
    this.#grants = new Grants(ctx);
  }

  /** Puts a request in its resource's queue and serves it if it is its turn. */
  enqueue(request: LeaseRequest): void {
    const { resource } = request;
    if (request.waitMs === 0 && this.#isTaken(resource)) {
      this.deny(request, 'held');
      return;
    }
    request.state = 'waiting';
    resource.waiters.push(request);
    if (request.waitMs > 0) this.#ctx.timers.set(request.deadline, request.waitUntilMs);
    this.pump(resource);
    if (request.state === 'waiting' && request.waitMs > 0) this.#waiting.tellPlace(request, resource.waiters.size);
  }

  /** Bids for the first waiter that can receive a grant, if nobody holds the resource or is being served. */
  pump(resource: Resource): void {
    if (resource.holder !== undefined || resource.callsUnderWay > 0) {
      this.#serveOthers(resource);
      return;
    }
    if (resource.retry.index >= 0) return;
    const next = this.#waiting.firstEligible(resource);
    if (next === undefined) this.#ctx.dropIfUnused(resource);
    else this.#bid(next);
  }

  /** The store refused a while ago; ask again. */
  retry(resource: Resource): void {
    resource.storedHolder = undefined;
    this.pump(resource);
  }

  /** The wait is over. A bid under way decides first: its grant is delivered still. */
  waitOver(request: LeaseRequest): void {
    if (request.state === 'waiting') this.deny(request, 'wait_expired');
  }

  /** A resumed session still wants this: its wait goes on for so long, and it is told its place anew. */
  resumeWait(request: LeaseRequest, waitMs: number): void {
    const { resource } = request;
    const nowMs = this.#ctx.nowMs();
    request.waitMs = Math.max(1, waitMs);
    request.waitUntilMs = nowMs + request.waitMs;
    request.toldPosition = 0;
    this.#ctx.timers.set(request.deadline, request.waitUntilMs);
    this.#ctx.timers.set(resource.tellPlaces, nowMs);
  }

  /** The client gives a waiting request up. */
  cancel(request: LeaseRequest): void {
    if (request.state === 'waiting') this.deny(request, 'cancelled');
    else if (request.state === 'bidding') request.givenUp = true;
  }

  /** Takes a request without an answer out of its queue and answers it: no lease. */
  deny(request: LeaseRequest, reason: DeniedReason): void {
    const { resource, session } = request;
    const holder = resource.describeHolder(this.#ctx.nowMs());
    this.#waiting.leave(request);
    this.#ctx.endRequest(request);
    this.#ctx.acquireAnswered(request, reason);
    session.send({ kind: 'denied', id: request.id, reason, holder, position: request.toldPosition });
    this.pump(resource);
    this.#ctx.settleSession(session);
  }

  /**
   * Frees the resource its holder has given back: hands it to the first waiter that can take it, or releases it. Only
   * ever on the holder's own word.
   */
  free(holder: LeaseRequest, done: (answer: ReleaseAnswer) => void): void {
    const { resource } = holder;
    const successor =
      holder.state === 'unadopted' || resource.callsUnderWay > 0 ? undefined : this.#waiting.firstEligible(resource);
    holder.state = 'releasing';
    this.#ctx.timers.cancel(holder.deadline);
    resource.callsUnderWay += 1;
    const freed = (answer: ReleaseAnswer): void => {
      resource.callsUnderWay -= 1;
      if (resource.holder === holder) resource.holder = undefined;
      this.#ctx.timers.cancel(resource.retry);
      done(answer);
    };
    const bid = successor && this.#begin(successor);
    if (bid === undefined) {
      this.#ctx.store.release({ resource: resource.key, hashes: holder.allHashes() }, (answer) => {
        freed(answer);
        this.pump(resource);
      });
      return;
    }
    const from = { hash: holder.hash, token: holder.heldLease().token };
    this.#ctx.store.handOff({ resource: resource.key, from, to: bid.request.grantee() }, (answer, calledAtMs) => {
      this.#handedOff(bid, answer, calledAtMs, freed);
    });
  }

  #isTaken(resource: Resource): boolean {
    if (resource.waiters.size > 0 || resource.retry.index >= 0) return true;
    return resource.holder !== undefined && resource.holder.state !== 'releasing';
  }

  /** Nobody can be granted now: refuse whoever does not wait, prepare the store for those who do. */
  #serveOthers(resource: Resource): void {
    const first = resource.waiters.find(() => true);
    if (first?.state === 'waiting' && first.waitMs === 0 && this.#heldForNow(resource)) {
      this.deny(first, 'held');
      return;
    }
    this.#waiting.nominate(resource);
  }

  #heldForNow(resource: Resource): boolean {
    return resource.holder !== undefined && resource.holder.state !== 'releasing';
  }

  #begin(request: LeaseRequest): Bid | undefined {
    const { attachment } = request.session;
    if (attachment === undefined) return undefined;
    request.state = 'bidding';
    return { request, attachment, anchor: attachment.anchor };
  }

  #bid(request: LeaseRequest): void {
    const bid = this.#begin(request);
    if (bid === undefined) return;
    const { resource } = request;
    resource.callsUnderWay += 1;
    this.#ctx.store.acquire(
      { resource: resource.key, grantee: request.grantee(), earlierHashes: request.earlierHashes },
      (answer, calledAtMs) => {
        resource.callsUnderWay -= 1;
        this.#bidAnswered(bid, answer, calledAtMs);
      },
    );
  }

  #bidAnswered(bid: Bid, answer: AcquireAnswer, calledAtMs: number): void {
    switch (answer.kind) {
      case 'granted':
        this.#ctx.noteStore(undefined);
        this.#granted(bid, answer.token, calledAtMs);
        return;
      case 'mine':
        this.#ctx.noteStore(undefined);
        this.#adopt(bid.request);
        return;
      case 'held': {
        this.#ctx.noteStore(undefined);
        const { holder } = answer;
        const learnedAtMs = this.#ctx.nowMs();
        bid.request.resource.storedHolder = holder && { holder, learnedAtMs };
        this.#refused(bid.request, answer.retryAfterMs);
        return;
      }
      case 'unavailable':
        this.#unavailable(bid.request, answer.message);
        return;
    }
  }

  #handedOff(bid: Bid, answer: HandOffAnswer, calledAtMs: number, freed: (answer: ReleaseAnswer) => void): void {
    switch (answer.kind) {
      case 'granted':
        this.#ctx.noteStore(undefined);
        freed('released');
        this.#granted(bid, answer.token, calledAtMs);
        return;
      case 'lost':
        freed('gone');
        this.#backToQueue(bid.request);
        return;
      case 'unavailable':
        freed('unknown');
        this.#unavailable(bid.request, answer.message);
        return;
    }
  }

  /** The store has a grant for the request; whether the client gets to hear of it is decided here. */
  #granted(bid: Bid, token: bigint, calledAtMs: number): void {
    const { request } = bid;
    const { resource } = request;
    resource.noteToken(token);
    if (request.adoptWhenGranted && !request.givenUp) {
      this.#adopt(request);
      return;
    }
    this.#settle(bid, token, calledAtMs);
  }

  #settle(bid: Bid, token: bigint, calledAtMs: number): void {
    const { request } = bid;
    const { resource } = request;
    if (request.givenUp || !this.#grants.worthTelling(request, bid.attachment, bid.anchor, calledAtMs)) {
      this.#releaseUntold(request);
      return;
    }
    this.#waiting.leave(request);
    this.#grants.tell(request, token, bid.attachment, bid.anchor, calledAtMs);
    this.pump(resource);
  }

  /** Frees a grant that no client has heard of. */
  #releaseUntold(request: LeaseRequest): void {
    const { resource } = request;
    resource.callsUnderWay += 1;
    this.#ctx.store.release({ resource: resource.key, hashes: request.allHashes() }, () => {
      resource.callsUnderWay -= 1;
      this.#backToQueue(request);
    });
  }

  /** A grant exists under an older secret: swap it for the current one, then tell. */
  #adopt(request: LeaseRequest): void {
    const bid = this.#begin(request);
    if (bid === undefined) {
      this.#backToQueue(request);
      return;
    }
    const { resource } = request;
    request.adoptWhenGranted = false;
    resource.callsUnderWay += 1;
    this.#ctx.store.adopt(
      { resource: resource.key, presented: request.allHashes(), token: undefined, grantee: request.grantee() },
      (answer, calledAtMs) => {
        resource.callsUnderWay -= 1;
        this.#adopted(bid, answer, calledAtMs);
      },
    );
  }

  #adopted(bid: Bid, answer: AdoptAnswer, calledAtMs: number): void {
    switch (answer.kind) {
      case 'adopted':
        bid.request.resource.noteAdoptedToken(answer.token);
        if (bid.request.adoptWhenGranted && !bid.request.givenUp) this.#adopt(bid.request);
        else this.#settle(bid, answer.token, calledAtMs);
        return;
      case 'lost':
        this.#backToQueue(bid.request);
        return;
      case 'unknown':
        this.#unavailable(bid.request, answer.message);
        return;
    }
  }

  #unavailable(request: LeaseRequest, message: string): void {
    this.#ctx.noteStore(message);
    if (request.waitMs === 0 && !request.givenUp) {
      const { resource, session } = request;
      this.#waiting.leave(request);
      this.#ctx.endRequest(request);
      this.#ctx.acquireAnswered(request, 'failed');
      this.#ctx.fail(session, request.id, storeUnavailable(message));
      this.pump(resource);
      this.#ctx.settleSession(session);
      return;
    }
    const delayMs = STORE_RETRY_MS * (1 + this.#ctx.ports.random.unit());
    this.#refused(request, delayMs);
  }

  /** Not now: a request that does not wait is denied, the others are tried again later. */
  #refused(request: LeaseRequest, retryAfterMs: number): void {
    const { resource } = request;
    this.#ctx.timers.set(resource.retry, this.#ctx.nowMs() + Math.max(1, retryAfterMs));
    if (request.waitMs === 0 && !request.givenUp) {
      request.state = 'waiting';
      this.deny(request, 'held');
    } else {
      this.#backToQueue(request);
      this.#waiting.tellPlaces(resource);
    }
    if (resource.waiters.size === 0) {
      this.#ctx.timers.cancel(resource.retry);
      this.#ctx.dropIfUnused(resource);
    }
  }

  /** A bid came to nothing. The request still has its place, unless it was given up or its wait ended meanwhile. */
  #backToQueue(request: LeaseRequest): void {
    request.state = 'waiting';
    request.adoptWhenGranted = false;
    if (request.givenUp) this.deny(request, 'cancelled');
    else if (request.waitMs > 0 && this.#ctx.nowMs() >= request.waitUntilMs) this.deny(request, 'wait_expired');
    else this.pump(request.resource);
  }
}
