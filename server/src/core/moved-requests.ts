import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { Endings } from './endings.js';
import type { ReleasedOutcome, ResumeEntry } from './frames.js';
import type { LeaseRequest } from './lease-request.js';
import type { RequestFactory } from './request-factory.js';
import type { ResumeAccount } from './resume-account.js';
import type { Session } from './session.js';

type HeldEntry = Extract<ResumeEntry, { claim: 'held' }>;
type GivenUpEntry = Extract<ResumeEntry, { claim: 'given_up' }>;

/**
 * Requests of a session that has been elsewhere. What is known of them here may be from before: they may have been granted,
 * extended and adopted by another server since. The client's word is newer, and the store decides.
 */
export class MovedRequests {
  constructor(
    private readonly ctx: CoreContext,
    private readonly contention: Contention,
    private readonly endings: Endings,
    private readonly requests: RequestFactory,
  ) {}

  /** The client holds a lease of which less is known here: what is known is forgotten. */
  forgetOutdated(session: Session, { requestId }: HeldEntry): void {
    const known = session.requests.get(requestId);
    if (known === undefined || !this.#mayHaveMoved) return;
    switch (known.state) {
      case 'waiting':
      case 'bidding':
        this.#leaveQueue(known);
        return;
      case 'lapsed':
        this.endings.gone(known, 'expired');
        return;
      case 'held':
      case 'adopting':
      case 'unadopted':
      case 'releasing':
      case 'ended':
        return;
    }
  }

  /** The client wants a request no more, whatever has become of it. It is told so when the store has said so. */
  giveUp(account: ResumeAccount, { request, requestId }: GivenUpEntry): void {
    const known = account.session.requests.get(requestId);
    const answer = (outcome: ReleasedOutcome | 'gone'): void => {
      account.result({ requestId, outcome: outcome === 'unknown' ? 'unknown' : 'released' });
    };
    if (known !== undefined && !this.#mayHaveMoved) {
      this.endings.giveBack(known, 'released', answer);
      return;
    }
    if (known !== undefined) this.#giveUpElsewhere(known);
    // Another server may have granted it anew: whatever stands under any of its secrets goes, with whatever token.
    const resource = this.requests.resourceKey(account.session, request);
    const hashes = [...request.earlierHashes, request.hash];
    this.ctx.store.release({ resource, hashes, token: undefined }, (released) => {
      answer(released);
      const freed = this.ctx.resources.get(resource);
      if (freed !== undefined) this.contention.freed(freed);
    });
  }

  /** What is known here is only a part of what there may be, and says nothing to the client. */
  #giveUpElsewhere(known: LeaseRequest): void {
    if (known.state === 'waiting' || known.state === 'bidding') this.#leaveQueue(known);
    else this.endings.giveBack(known, 'released');
  }

  /** Without a word: that it has no place any more is not all that there is to say of it. */
  #leaveQueue(known: LeaseRequest): void {
    known.session.requests.delete(known.id);
    this.contention.cancel(known);
  }

  get #mayHaveMoved(): boolean {
    return this.ctx.ports.store.capabilities.severalServers;
  }
}
