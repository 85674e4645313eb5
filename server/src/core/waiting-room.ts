import type { CoreContext } from './core-context.js';
import type { LeaseRequest } from './lease-request.js';
import type { Resource } from './resource.js';

/**
 * Whoever is this close to the queue's head is nominated: far enough ahead that a commit is done before their turn comes,
 * and no further, for every commit writes all nominations of its resource.
 */
const NOMINATE_UP_TO = 16;
/** Nominations are made when fewer than this are left, so that one commit carries several. */
const NOMINATE_BELOW = 8;
/** Moves in a queue are told together. */
const TELL_PLACES_AFTER_MS = 100;
/** A grant anchored at an older frame than this many heartbeat intervals says too little about the waiter. */
const ANCHOR_INTERVALS = 3;

/** The queues: who may be served, who has moved up, and whom the store should expect next. Serves nobody itself. */
export class WaitingRoom {
  constructor(private readonly ctx: CoreContext) {}

  /** The first waiter whose client is there to receive a grant; those passed over are tried again when it is. */
  firstEligible(resource: Resource): LeaseRequest | undefined {
    if (resource.waiters.size === 0) return undefined;
    const nowMs = this.ctx.nowMs();
    return resource.waiters.find((request) => {
      if (request.state !== 'waiting') return false;
      const { attachment } = request.session;
      const listening =
        attachment !== undefined &&
        attachment.resuming === undefined &&
        // Silence tells nothing of one that does not wait, and has no deadline that would answer it.
        (request.waitMs === 0 ||
          nowMs - attachment.anchor.receivedAtMs <= ANCHOR_INTERVALS * attachment.toldIntervalMs);
      if (!listening) request.session.passedOver.add(resource);
      return listening;
    });
  }

  /** Takes a request out of its queue. */
  leave(request: LeaseRequest): void {
    const { resource } = request;
    if (request.slot < 0) return;
    resource.waiters.remove(request);
    if (request.nominated) {
      request.nominated = false;
      resource.nominated -= 1;
      // One that leaves while it bids leaves with the grant.
      if (request.state === 'waiting') this.ctx.store.withdraw({ resource: resource.key, to: request.grantee() });
    }
    if (resource.waiters.size > 0) this.tellPlacesSoon(resource);
  }

  /** Places have changed. Whoever is served sooner is never told: a message costs more than a hand-off. */
  tellPlacesSoon(resource: Resource, sinceMs: number = this.ctx.nowMs()): void {
    if (resource.tellPlaces.index >= 0) return;
    this.ctx.timers.set(resource.tellPlaces, sinceMs + TELL_PLACES_AFTER_MS);
  }

  /** Tells waiters whose place has changed by enough. */
  tellPlaces(resource: Resource): void {
    resource.waiters.visit((request, position) => {
      const told = request.toldPosition;
      const moved = position !== told && (told === 0 || position <= 8 || position <= (told * 7) / 8);
      if (moved && request.waitMs > 0) this.#tellPlace(request, position);
      return 'go on';
    });
  }

  /** Prepares the store for the first waiters, while somebody else is being served. */
  nominate(resource: Resource): void {
    if (resource.nominated > NOMINATE_BELOW) return;
    resource.waiters.visit((request) => {
      if (!request.nominated && request.state === 'waiting') {
        request.nominated = true;
        resource.nominated += 1;
        this.ctx.store.nominate({ resource: resource.key, to: request.grantee() });
      }
      return resource.nominated < NOMINATE_UP_TO ? 'go on' : 'stop';
    });
  }

  #tellPlace(request: LeaseRequest, position: number): void {
    request.toldPosition = position;
    const holder = request.resource.describeHolder(this.ctx.nowMs());
    request.session.send({ kind: 'queued', id: request.id, position, holder });
  }
}
