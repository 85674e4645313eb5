import type { Bypass } from './bypass.js';
import type { Holder } from './frames.js';
import { invariant } from './invariant.js';
import type { LeaseRequest } from './lease-request.js';
import type { ResourceKey } from './names.js';
import type { StoredHolder } from './ports.js';
import { Deadline } from './timer-queue.js';
import { WaiterQueue } from './waiter-queue.js';

const NONE: ReadonlySet<LeaseRequest> = new Set();

/** One resource as long as somebody holds it, waits for it, or is being served. */
export class Resource {
  readonly waiters = new WaiterQueue<LeaseRequest>();
  /** Who holds it here, as the store has said: held, lapsed, releasing, or being adopted anew. */
  holder: LeaseRequest | undefined;
  /** Leases resumed sessions claim to hold, of which the store could not say anything yet. They keep nobody from bidding. */
  get unadopted(): ReadonlySet<LeaseRequest> {
    return this.#unadopted ?? NONE;
  }
  /** Store calls under way that may change who holds it. While there are any, nobody bids. */
  callsUnderWay = 0;
  /** Somebody may have freed it while a bid was under way that may have come too early for that. */
  freedMeanwhile = false;
  /** A holder only the store knows, learned from its refusal. */
  storedHolder: { readonly holder: StoredHolder; readonly learnedAtMs: number } | undefined;
  /** Pending: the store refused, ask again then. */
  readonly retry: Deadline<Resource>;
  /** Pending: places have changed, tell them then. */
  readonly tellPlaces: Deadline<Resource>;
  /** Refusals since the last grant here. */
  refusals = 0;
  /** What the store said when it could not say who holds it; `undefined` once it could. */
  storeProblem: string | undefined;
  /** Made when a hand-off first went past another server. */
  bypass: Bypass | undefined;
  /** How many waiters are nominated to the store. */
  nominated = 0;
  #lastToken = 0n;
  /** Made when it is first needed, which is hardly ever. */
  #unadopted: Set<LeaseRequest> | undefined;

  constructor(
    readonly key: ResourceKey,
    onRetry: (resource: Resource) => void,
    onTellPlaces: (resource: Resource) => void,
  ) {
    this.retry = new Deadline<Resource>(this, onRetry);
    this.tellPlaces = new Deadline<Resource>(this, onTellPlaces);
  }

  get unused(): boolean {
    if (this.holder !== undefined || this.unadopted.size > 0) return false;
    return this.waiters.size === 0 && this.callsUnderWay === 0;
  }

  /** Enters a lease of which the store could not say anything. */
  noteUnadopted(request: LeaseRequest): void {
    this.#unadopted ??= new Set();
    this.#unadopted.add(request);
  }

  /** The store has said, or nobody asks any more. */
  forgetUnadopted(request: LeaseRequest): void {
    this.#unadopted?.delete(request);
  }

  /** Asserts S2 for a new grant: its token is greater than every earlier one seen here. */
  noteToken(token: bigint): void {
    invariant(token > this.#lastToken, 'S2', () => `token ${token} granted after ${this.#lastToken}`);
    this.#lastToken = token;
  }

  /** An adopted lease shows a token that was granted before. */
  noteAdoptedToken(token: bigint): void {
    invariant(token >= this.#lastToken, 'S2', () => `token ${token} adopted after ${this.#lastToken} was granted`);
    this.#lastToken = token;
  }

  /** Who holds it, as far as anybody here knows. */
  describeHolder(nowMs: number): Holder | undefined {
    const holder = this.holder;
    if (holder?.lease !== undefined) {
      const heldMs = Math.max(0, Math.round(nowMs - holder.lease.grantedAtMs));
      return { leaseId: holder.lease.leaseId, clientName: holder.session.clientName, heldMs };
    }
    const stored = this.storedHolder;
    if (stored === undefined) return undefined;
    const { leaseId, clientName, heldMs } = stored.holder;
    return { leaseId, clientName, heldMs: heldMs && Math.round(heldMs + nowMs - stored.learnedAtMs) };
  }
}
