import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { Endings } from './endings.js';
import type { ResumeEntry } from './frames.js';
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
        session.requests.delete(requestId);
        this.contention.cancel(known);
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

  /** The client wants a request no more, whatever has become of it. */
  giveUp(account: ResumeAccount, { request, requestId }: GivenUpEntry): void {
    const known = account.session.requests.get(requestId);
    const hasLease = known?.state === 'held' || known?.state === 'lapsed';
    if (hasLease && this.#mayHaveMoved) {
      // Any of its secrets may be in the store.
      known.hash = request.hash;
      known.earlierHashes = request.earlierHashes;
      known.state = 'unadopted';
    }
    if (known !== undefined) this.endings.giveBack(known, 'released');
    if (known !== undefined && (hasLease || !this.#mayHaveMoved)) {
      account.result({ requestId, outcome: 'released' });
      return;
    }
    const resource = this.requests.resourceKey(account.session, request);
    const hashes = [...request.earlierHashes, request.hash];
    this.ctx.store.release({ resource, hashes, token: undefined }, (answer) => {
      account.result({ requestId, outcome: answer === 'unknown' ? 'unknown' : 'released' });
      const freed = this.ctx.resources.get(resource);
      if (freed !== undefined) this.contention.freed(freed);
    });
  }

  get #mayHaveMoved(): boolean {
    return this.ctx.ports.store.capabilities.severalServers;
  }
}
