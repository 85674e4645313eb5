import { backOffMs } from './back-off.js';
import { Bids } from './bids.js';
import { type CoreContext, storeUnavailable } from './core-context.js';
import type { DeniedReason } from './frames.js';
import type { LeaseRequest } from './lease-request.js';
import type { ReleaseAnswer } from './ports.js';
import type { Resource } from './resource.js';
import type { WaitingRoom } from './waiting-room.js';

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
  readonly #bids: Bids;
  readonly #waiting: WaitingRoom;

  constructor(ctx: CoreContext, waiting: WaitingRoom, displaced: (holder: LeaseRequest) => void) {
    this.#ctx = ctx;
    this.#waiting = waiting;
    this.#bids = new Bids(ctx, waiting, {
      granted: (request) => this.pump(request.resource),
      refused: (request, retryAfterMs) => this.#heldElsewhere(request, retryAfterMs),
      unavailable: (request, message) => this.#unavailable(request, message),
      displaced,
      tooLate: (request) => this.#tooLate(request),
      cameToNothing: (request) => this.#backToQueue(request),
    });
  }

  /** Puts a request in its resource's queue and serves it if it is its turn. */
  enqueue(request: LeaseRequest): void {
    const { resource } = request;
    if (request.waitMs === 0 && this.#isTaken(resource)) {
      this.#turnAway(request);
      return;
    }
    request.state = 'waiting';
    resource.waiters.push(request);
    if (request.waitMs > 0) this.#ctx.timers.set(request.deadline, request.waitUntilMs);
    this.pump(resource);
    if (request.state === 'waiting') this.#waiting.tellPlacesSoon(resource);
  }

  /** Bids for the first waiter that can receive a grant, if nobody is known to hold the resource or is being served. */
  pump(resource: Resource): void {
    if (this.#isHeld(resource) || resource.callsUnderWay > 0) {
      this.#serveOthers(resource);
      return;
    }
    if (resource.bypass?.staysOut) {
      this.#ctx.timers.set(resource.retry, resource.bypass.outUntilMs);
      this.#serveOthers(resource);
      return;
    }
    if (resource.retry.index >= 0) return;
    const next = this.#waiting.firstEligible(resource);
    if (next === undefined) this.#ctx.dropIfUnused(resource);
    else this.#bids.acquire(next);
  }

  /** The store refused a while ago; ask again. */
  retry(resource: Resource): void {
    this.#ctx.timers.cancel(resource.retry);
    this.pump(resource);
  }

  /**
   * Somebody may have freed it: ask at once, or as soon as a bid under way is refused. What the store could not answer a
   * while ago is left for its own time.
   */
  freed(resource: Resource): void {
    if (resource.callsUnderWay > 0) resource.freedMeanwhile = true;
    if (resource.storeProblem === undefined) this.retry(resource);
    else this.pump(resource);
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

  /** The same for many: whoever is next is looked for when all of them have gone, and once for each resource. */
  cancelAll(requests: readonly LeaseRequest[]): void {
    const resources = new Set<Resource>();
    for (const request of requests) {
      if (request.state === 'waiting') {
        resources.add(request.resource);
        this.#turnDown(request, 'cancelled');
      } else this.cancel(request);
    }
    for (const resource of resources) this.pump(resource);
  }

  /** Takes a request without an answer out of its queue and answers it: no lease. */
  deny(request: LeaseRequest, reason: DeniedReason): void {
    this.#turnDown(request, reason);
    this.pump(request.resource);
    this.#ctx.settleSession(request.session);
  }

  #turnDown(request: LeaseRequest, reason: DeniedReason): void {
    const { resource, session } = request;
    const holder = resource.describeHolder(this.#ctx.nowMs());
    // One that its session knows no more was entered anew, and that one will have the answer.
    const isAnswered = session.requests.get(request.id) === request;
    this.#waiting.leave(request);
    this.#ctx.endRequest(request);
    this.#ctx.acquireAnswered(request, reason);
    if (isAnswered) session.send({ kind: 'denied', id: request.id, reason, holder, position: request.toldPosition });
  }

  /**
   * Frees the resource its holder has given back: hands it to the first waiter that can take it, or releases it. Only
   * ever on the holder's own word.
   */
  free(holder: LeaseRequest, done: (answer: ReleaseAnswer) => void): void {
    const { resource } = holder;
    const handsOff = holder.state !== 'unadopted' && resource.callsUnderWay === 0;
    const successor = handsOff ? this.#waiting.firstEligible(resource) : undefined;
    const othersTurn = successor !== undefined && resource.bypass?.isOthersTurn === true;
    holder.state = 'releasing';
    holder.session.unadopted.delete(holder);
    resource.forgetUnadopted(holder);
    this.#ctx.timers.cancel(holder.deadline);
    resource.callsUnderWay += 1;
    if (
      successor !== undefined &&
      !othersTurn &&
      this.#bids.handOff(holder, successor, () => this.#vacate(holder), done)
    )
      return;
    const { token } = holder.heldLease();
    this.#ctx.store.release(
      { resource: resource.key, hashes: holder.allHashes(), token, ...(othersTurn && { waits: true }) },
      (answer) => {
        this.#vacate(holder);
        if (othersTurn) resource.bypass?.stayOut();
        done(answer);
        this.pump(resource);
      },
    );
  }

  #vacate(holder: LeaseRequest): void {
    const { resource } = holder;
    resource.callsUnderWay -= 1;
    if (resource.holder === holder) resource.holder = undefined;
    if (resource.callsUnderWay > 0) resource.freedMeanwhile = true;
    this.#ctx.timers.cancel(resource.retry);
  }

  /** Whether somebody holds it, as far as this server is to be asked. */
  #isHeld({ holder }: Resource): boolean {
    return holder !== undefined && !this.#mayHaveLeft(holder);
  }

  /** With several servers, a client without a stream here may hold on, or have released, elsewhere: only the store knows. */
  #mayHaveLeft({ state, session }: LeaseRequest): boolean {
    if (!this.#ctx.ports.store.capabilities.severalServers) return false;
    return state === 'lapsed' || (state === 'held' && session.attachment === undefined);
  }

  #isTaken(resource: Resource): boolean {
    return resource.waiters.size > 0 || resource.retry.index >= 0 || this.#heldForNow(resource);
  }

  /** Answers a request that does not wait, and cannot be served at once. */
  #turnAway(request: LeaseRequest): void {
    const { storeProblem } = request.resource;
    if (storeProblem === undefined || this.#heldForNow(request.resource)) this.deny(request, 'held');
    else this.#fail(request, storeProblem);
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
    if (resource.bypass?.staysOut) return true;
    return this.#isHeld(resource) && resource.holder?.state !== 'releasing';
  }

  /** The store could not say. */
  #unavailable(request: LeaseRequest, message: string): void {
    this.#ctx.noteStore(message);
    if (request.waitMs === 0 && !request.givenUp) {
      this.#fail(request, message);
      return;
    }
    request.resource.storeProblem = message;
    const delayMs = STORE_RETRY_MS * (1 + this.#ctx.ports.random.unit());
    this.#refused(request, delayMs);
  }

  #fail(request: LeaseRequest, message: string): void {
    const { resource, session } = request;
    this.#waiting.leave(request);
    this.#ctx.endRequest(request);
    this.#ctx.acquireAnswered(request, 'failed');
    this.#ctx.fail(session, request.id, storeUnavailable(message));
    this.pump(resource);
    this.#ctx.settleSession(session);
  }

  /** The store says that somebody holds it. Where that may be released unheard, ask again before the store's record ends. */
  #heldElsewhere(request: LeaseRequest, retryAfterMs: number): void {
    const { resource } = request;
    const { store, random } = this.#ctx.ports;
    resource.storeProblem = undefined;
    resource.refusals += 1;
    const mostMs = store.capabilities.severalServers ? backOffMs(resource.refusals, random.unit()) : Infinity;
    this.#refused(request, resource.freedMeanwhile ? 'at once' : Math.min(retryAfterMs, mostMs));
  }

  /** Not now: a request that does not wait is denied, the others are tried again later. */
  #refused(request: LeaseRequest, retryAfterMs: number | 'at once'): void {
    const { resource } = request;
    // Without a pause the next bid is made as soon as the request is back in its queue, or has left it.
    if (retryAfterMs !== 'at once') {
      this.#ctx.timers.set(resource.retry, this.#ctx.nowMs() + Math.max(1, retryAfterMs));
    }
    if (request.waitMs === 0 && !request.givenUp) {
      request.state = 'waiting';
      this.deny(request, 'held');
    } else {
      this.#backToQueue(request);
      // By then another server may have said who its holder is.
      if (resource.storedHolder === undefined) this.#waiting.tellPlacesSoon(resource, request.arrivedAtMs);
      else this.#waiting.tellPlaces(resource);
    }
    if (resource.waiters.size === 0) {
      this.#ctx.timers.cancel(resource.retry);
      this.#ctx.dropIfUnused(resource);
    }
  }

  /** Whoever does not wait is told at once: a store so slow would be asked in vain for ever. */
  #tooLate(request: LeaseRequest): void {
    if (request.waitMs === 0 && !request.givenUp) this.#fail(request, 'its grant came too late to be of use');
    else this.#backToQueue(request);
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
