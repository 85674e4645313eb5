import { Bypass } from './bypass.js';
import type { CoreContext } from './core-context.js';
import { Grants } from './grants.js';
import { invariant } from './invariant.js';
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

/** What a bid can come to. */
export interface BidOutcomes {
  /** The request is a lease, and its client has been told. */
  granted(request: LeaseRequest): void;
  /** Somebody else's; worth asking again after that time. */
  refused(request: LeaseRequest, retryAfterMs: number): void;
  /** The store could not say. */
  unavailable(request: LeaseRequest, message: string): void;
  /** The store has given the resource to a request of ours while another one stood as its holder here. */
  displaced(holder: LeaseRequest): void;
  /** The grant came when too little was left of it, and has been released again. */
  tooLate(request: LeaseRequest): void;
  /** Neither a grant nor a refusal: the request is where it was before. */
  cameToNothing(request: LeaseRequest): void;
}

/** Bids at the store for one request at a time of each resource, and what their answers mean. */
export class Bids {
  readonly #ctx: CoreContext;
  readonly #grants: Grants;
  readonly #waiting: WaitingRoom;
  readonly #outcomes: BidOutcomes;

  constructor(ctx: CoreContext, waiting: WaitingRoom, outcomes: BidOutcomes) {
    this.#ctx = ctx;
    this.#grants = new Grants(ctx);
    this.#waiting = waiting;
    this.#outcomes = outcomes;
  }

  /** Bids for a resource that is free, or may be. */
  acquire(request: LeaseRequest): void {
    const bid = this.#begin(request);
    if (bid === undefined) return;
    const { resource } = request;
    resource.callsUnderWay += 1;
    resource.freedMeanwhile = false;
    this.#ctx.store.acquire(
      {
        resource: resource.key,
        grantee: request.grantee(),
        earlierHashes: request.earlierHashes,
        waits: request.waitMs > 0 || resource.waiters.size > 1,
      },
      (answer, calledAtMs) => {
        if (answer.kind === 'granted') this.#supersede(resource);
        resource.callsUnderWay -= 1;
        this.#acquireAnswered(bid, answer, calledAtMs);
      },
    );
  }

  /**
   * Bids for what a holder gives back. The next holder is told before the last one, who has nothing to wait for. False when the
   * successor cannot be told any more; nothing is done then.
   */
  handOff(
    holder: LeaseRequest,
    successor: LeaseRequest,
    vacate: () => void,
    done: (answer: ReleaseAnswer) => void,
  ): boolean {
    const bid = this.#begin(successor);
    if (bid === undefined) return false;
    const resource = holder.resource.key;
    const from = { hash: holder.hash, token: holder.heldLease().token };
    this.#ctx.store.handOff({ resource, from, to: successor.grantee() }, (answer, calledAtMs) => {
      vacate();
      this.#handedOff(bid, answer, calledAtMs);
      done(givenBack(answer));
    });
    return true;
  }

  /** The store has granted it: whoever stands as its holder here has ceased to be. What is asked about them is still answered. */
  #supersede(resource: Resource): void {
    const { holder } = resource;
    resource.holder = undefined;
    switch (holder?.state) {
      case 'held':
      case 'lapsed':
        this.#outcomes.displaced(holder);
        return;
      case 'adopting':
        holder.adoptWhenGranted = true;
        return;
      case 'releasing':
      case undefined:
        return;
      case 'waiting':
      case 'bidding':
      case 'unadopted':
      case 'ended':
        invariant(false, 'S1', () => `a request that is ${holder?.state} stood as the holder of ${resource.key}`);
    }
  }

  #begin(request: LeaseRequest): Bid | undefined {
    const { attachment } = request.session;
    if (attachment === undefined) return undefined;
    request.state = 'bidding';
    return { request, attachment, anchor: attachment.anchor };
  }

  #acquireAnswered(bid: Bid, answer: AcquireAnswer, calledAtMs: number): void {
    switch (answer.kind) {
      case 'granted':
        this.#ctx.noteStore(undefined);
        this.#granted(bid, answer.token, calledAtMs);
        return;
      case 'mine':
        this.#ctx.noteStore(undefined);
        this.#adopt(bid.request, answer.token);
        return;
      case 'held': {
        this.#ctx.noteStore(undefined);
        const { holder } = answer;
        const learnedAtMs = this.#ctx.nowMs();
        bid.request.resource.storedHolder = holder && { holder, learnedAtMs };
        this.#outcomes.refused(bid.request, answer.retryAfterMs);
        return;
      }
      case 'unavailable':
        this.#outcomes.unavailable(bid.request, answer.message);
        return;
    }
  }

  #handedOff(bid: Bid, answer: HandOffAnswer, calledAtMs: number): void {
    switch (answer.kind) {
      case 'granted':
        this.#ctx.noteStore(undefined);
        this.#noteBypass(bid.request.resource, answer.wanted);
        this.#granted(bid, answer.token, calledAtMs);
        return;
      case 'lost':
        this.#outcomes.cameToNothing(bid.request);
        return;
      case 'unavailable':
        this.#outcomes.unavailable(bid.request, answer.message);
        return;
    }
  }

  #noteBypass(resource: Resource, wanted: boolean): void {
    if (wanted) resource.bypass ??= new Bypass(this.#ctx.clock);
    resource.bypass?.handedOff(wanted);
  }

  /** The store has a grant for the request; whether the client gets to hear of it is decided here. */
  #granted(bid: Bid, token: bigint, calledAtMs: number): void {
    const { request } = bid;
    request.resource.noteToken(token);
    if (request.adoptWhenGranted && !request.givenUp) {
      this.#adopt(request, token);
      return;
    }
    this.#settle(bid, token, calledAtMs);
  }

  #settle(bid: Bid, token: bigint, calledAtMs: number): void {
    const { request } = bid;
    const told = this.#grants.worthTelling(request, bid.attachment, bid.anchor, calledAtMs);
    if (request.givenUp || told === undefined) {
      this.#releaseUntold(request, token, bid.attachment);
      return;
    }
    this.#waiting.leave(request);
    this.#grants.tell(request, token, bid.attachment, told, calledAtMs);
    this.#outcomes.granted(request);
  }

  /** Frees a grant that no client has heard of. */
  #releaseUntold(request: LeaseRequest, token: bigint, attachment?: Attachment): void {
    const { resource } = request;
    resource.callsUnderWay += 1;
    this.#ctx.store.release({ resource: resource.key, hashes: request.allHashes(), token }, () => {
      resource.callsUnderWay -= 1;
      const listens = attachment !== undefined && request.session.attachment === attachment;
      if (listens) this.#outcomes.tooLate(request);
      else this.#outcomes.cameToNothing(request);
    });
  }

  /** A grant exists under an older secret: swap it for the current one, then tell. */
  #adopt(request: LeaseRequest, token: bigint): void {
    const bid = this.#begin(request);
    if (bid === undefined) {
      this.#releaseUntold(request, token);
      return;
    }
    const { resource } = request;
    request.adoptWhenGranted = false;
    resource.callsUnderWay += 1;
    this.#ctx.store.adopt(
      { resource: resource.key, presented: request.allHashes(), token, grantee: request.grantee() },
      (answer, calledAtMs) => {
        // Two requests may have shown one secret: the store has said whose the lease is now.
        const other = resource.holder;
        if (answer.kind === 'adopted' && other !== undefined) this.#outcomes.displaced(other);
        resource.callsUnderWay -= 1;
        this.#adopted(bid, answer, calledAtMs);
      },
    );
  }

  #adopted(bid: Bid, answer: AdoptAnswer, calledAtMs: number): void {
    switch (answer.kind) {
      case 'adopted':
        bid.request.resource.noteAdoptedToken(answer.token);
        if (bid.request.adoptWhenGranted && !bid.request.givenUp) this.#adopt(bid.request, answer.token);
        else this.#settle(bid, answer.token, calledAtMs);
        return;
      case 'lost':
        this.#outcomes.cameToNothing(bid.request);
        return;
      case 'unknown':
        this.#outcomes.unavailable(bid.request, answer.message);
        return;
    }
  }
}

/** What a hand-off's answer says of the lease that was given back. */
function givenBack(answer: HandOffAnswer): ReleaseAnswer {
  switch (answer.kind) {
    case 'granted':
      return answer.previous;
    case 'lost':
      return 'gone';
    case 'unavailable':
      return 'unknown';
  }
}
