import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { Endings } from './endings.js';
import type { ResumeEntry, ResumeFrame } from './frames.js';
import { Grants } from './grants.js';
import type { LeaseRequest } from './lease-request.js';
import { MovedRequests } from './moved-requests.js';
import type { AdoptAnswer } from './ports.js';
import type { RequestFactory } from './request-factory.js';
import { ResumeAccount } from './resume-account.js';
import type { Attachment, Session } from './session.js';
import { anchoredValidity } from './validity.js';

type HeldEntry = Extract<ResumeEntry, { claim: 'held' }>;
type OpenEntry = Extract<ResumeEntry, { claim: 'open' }>;

/** An adoption that was overtaken by another resume says nothing about the newest secret. */
const STALE_ADOPTION: AdoptAnswer = { kind: 'unknown', message: 'the session resumed again meanwhile' };

/** A session comes back: leases are adopted, requests find their place again, the rest is given back. */
export class Resumption {
  readonly #ctx: CoreContext;
  readonly #contention: Contention;
  readonly #endings: Endings;
  readonly #requests: RequestFactory;
  readonly #grants: Grants;
  readonly #moved: MovedRequests;

  constructor(ctx: CoreContext, contention: Contention, endings: Endings, requests: RequestFactory) {
    this.#ctx = ctx;
    this.#contention = contention;
    this.#endings = endings;
    this.#requests = requests;
    this.#grants = new Grants(ctx);
    this.#moved = new MovedRequests(ctx, contention, endings, requests);
  }

  /** Takes one Resume frame. With the last one, whatever was not listed is given back. */
  resume(session: Session, attachment: Attachment, frame: ResumeFrame): void {
    const account = new ResumeAccount(session, attachment, frame, this.#ctx.settings);
    for (const entry of frame.entries) {
      attachment.resuming?.add(entry.requestId);
      this.#take(account, entry);
    }
    account.allRead();
    if (!frame.last) return;
    const listed = attachment.resuming;
    attachment.resuming = undefined;
    this.#endings.giveBackAll(session, (request) => listed?.has(request.id) === true);
    for (const request of session.requests.values()) {
      if (request.state === 'waiting') this.#contention.pump(request.resource);
    }
  }

  /** Asks the store again for leases whose adoption it could not decide. */
  retryUnadopted(session: Session): void {
    const { attachment } = session;
    if (attachment === undefined) return;
    for (const request of [...session.unadopted]) {
      session.unadopted.delete(request);
      request.state = 'adopting';
      const { anchor } = attachment;
      this.#adopt(request, (answer, calledAtMs) => {
        if (answer.kind === 'lost' && !request.hasEnded) this.#endings.displaced(request);
        if (answer.kind !== 'adopted' || session.attachment !== attachment) return;
        const told = anchoredValidity(this.#ctx.settings, anchor, calledAtMs, request.ttlMs);
        request.raiseDeadlines(told.deadlines);
        const groups = [{ durationMs: told.validity.durationMs, requestIds: [request.id] }];
        session.send({ kind: 'extended', id: 0, anchor: anchor.frameId, groups, heartbeatIntervalMs: 0 });
      });
    }
  }

  #take(account: ResumeAccount, entry: ResumeEntry): void {
    const failure = this.#requests.check(entry.request);
    if (failure !== undefined) {
      if (entry.claim === 'open') this.#ctx.fail(account.session, entry.requestId, failure);
      else account.result({ requestId: entry.requestId, outcome: 'lost' });
      return;
    }
    switch (entry.claim) {
      case 'held':
        this.#takeHeld(account, entry);
        return;
      case 'open':
        this.#takeOpen(account, entry);
        return;
      case 'given_up':
        this.#moved.giveUp(account, entry);
        return;
    }
  }

  #takeHeld(account: ResumeAccount, entry: HeldEntry): void {
    this.#moved.forgetOutdated(account.session, entry);
    const known = account.session.requests.get(entry.requestId);
    if (known !== undefined && !isAdoptable(known, entry)) {
      account.result({ requestId: entry.requestId, outcome: 'lost' });
      return;
    }
    if (known === undefined && this.#requests.sessionIsFull(account.session) !== undefined) {
      account.result({ requestId: entry.requestId, outcome: 'lost' });
      return;
    }
    const request = known ?? this.#requests.create(account.session, entry.requestId, entry.request);
    request.hash = entry.request.hash;
    request.earlierHashes = entry.request.earlierHashes;
    request.leaseId = entry.leaseId;
    request.lease ??= {
      leaseId: entry.leaseId,
      token: entry.token,
      grantedAtMs: this.#ctx.nowMs(),
      grantedAtWallMs: this.#ctx.clock.wallMs(),
    };
    if (request.state === 'adopting') {
      // The call under way carries an older secret: another has to follow it.
      request.adoptWhenGranted = true;
      account.keeps(request);
      account.result({ requestId: entry.requestId, outcome: 'unknown' });
      return;
    }
    this.#adopt(request, (answer, calledAtMs) => this.#heldAnswered(account, request, answer, calledAtMs));
  }

  /** Swaps the store's value for the newest secret, and enters the outcome in the tables. Telling it is `done`'s. */
  #adopt(request: LeaseRequest, done: (answer: AdoptAnswer, calledAtMs: number) => void): void {
    const { resource } = request;
    request.state = 'adopting';
    request.adoptWhenGranted = false;
    resource.forgetUnadopted(request);
    request.session.unadopted.delete(request);
    resource.callsUnderWay += 1;
    const bid = {
      resource: resource.key,
      presented: request.allHashes(),
      token: request.heldLease().token,
      grantee: request.grantee(),
    };
    this.#ctx.store.adopt(bid, (answer, calledAtMs) => {
      this.#ctx.telemetry.resumed(answer.kind);
      this.#ctx.noteStore(answer.kind === 'unknown' ? answer.message : undefined);
      if (request.hasEnded) {
        this.#adoptedForNobody(request, answer);
        done({ kind: 'lost' }, calledAtMs);
        return;
      }
      // Whoever knows the secret and the token owns the lease, under whatever session and id it was entered before.
      const other = resource.holder;
      if (answer.kind === 'adopted' && other !== undefined && other !== request) this.#endings.displaced(other);
      resource.callsUnderWay -= 1;
      const settled = request.adoptWhenGranted ? STALE_ADOPTION : answer;
      switch (settled.kind) {
        case 'adopted':
          resource.noteAdoptedToken(settled.token);
          this.#grants.hold(request, settled.token, calledAtMs);
          break;
        case 'unknown':
          request.state = 'unadopted';
          if (resource.holder === request) resource.holder = undefined;
          resource.noteUnadopted(request);
          request.session.unadopted.add(request);
          break;
        case 'lost':
          break;
      }
      done(settled, calledAtMs);
      // Where its stream has ended meanwhile, the client may be elsewhere with it by now.
      if (settled.kind === 'unknown' || request.session.attachment === undefined) this.#contention.pump(resource);
      this.#forgetIfNobodyComes(request);
      if (request.givenUp && !request.hasEnded) {
        request.givenUp = false;
        this.#endings.giveBack(request, 'closed');
      }
    });
  }

  /** The store could not say, and the session's grace is over: no beat will ever ask again. */
  #forgetIfNobodyComes(request: LeaseRequest): void {
    const { attachment, grace } = request.session;
    if (request.state !== 'unadopted' || attachment !== undefined || grace.index >= 0) return;
    this.#endings.gone(request, 'expired');
  }

  /** Its client has said meanwhile that it does not hold it: what was adopted is given back. */
  #adoptedForNobody(request: LeaseRequest, answer: AdoptAnswer): void {
    const { resource } = request;
    const done = (): void => {
      resource.callsUnderWay -= 1;
      this.#contention.retry(resource);
    };
    if (answer.kind === 'lost') done();
    else {
      const { token } = request.heldLease();
      this.#ctx.store.release({ resource: resource.key, hashes: request.allHashes(), token }, done);
    }
  }

  #heldAnswered(account: ResumeAccount, request: LeaseRequest, answer: AdoptAnswer, calledAtMs: number): void {
    const requestId = request.id;
    switch (answer.kind) {
      case 'adopted': {
        const { settings } = this.#ctx;
        const { validity, deadlines } = anchoredValidity(settings, account.anchor, calledAtMs, request.ttlMs);
        if (account.session.attachment === account.attachment) request.raiseDeadlines(deadlines);
        account.keeps(request);
        account.result({ requestId, outcome: 'held', validity });
        return;
      }
      case 'lost':
        if (!request.hasEnded) this.#endings.gone(request, 'displaced');
        account.result({ requestId, outcome: 'lost' });
        return;
      case 'unknown':
        account.keeps(request);
        account.result({ requestId, outcome: 'unknown' });
        return;
    }
  }

  #takeOpen(account: ResumeAccount, entry: OpenEntry): void {
    const { session } = account;
    const known = session.requests.get(entry.requestId);
    if (known === undefined) {
      const key = this.#requests.resourceKey(session, entry.request);
      const refusal = this.#requests.sessionIsFull(session) ?? this.#requests.queueIsFull(key);
      if (refusal !== undefined) this.#ctx.fail(session, entry.requestId, refusal);
      else this.#contention.enqueue(this.#requests.create(session, entry.requestId, entry.request));
      return;
    }
    known.hash = entry.request.hash;
    known.earlierHashes = entry.request.earlierHashes;
    switch (known.state) {
      case 'waiting':
        this.#contention.resumeWait(known, entry.request.waitMs);
        return;
      case 'bidding':
        known.adoptWhenGranted = true;
        known.givenUp = false;
        this.#contention.resumeWait(known, entry.request.waitMs);
        return;
      case 'held':
        this.#grantAgain(account, known, entry);
        return;
      case 'lapsed':
      case 'adopting':
      case 'unadopted':
      case 'releasing':
      case 'ended':
        this.#startOver(account, known, entry);
        return;
    }
  }

  /** The client never heard of its grant: adopt it under the new secret, and tell it again. */
  #grantAgain(account: ResumeAccount, request: LeaseRequest, entry: OpenEntry): void {
    const { attachment, anchor, session } = account;
    this.#adopt(request, (answer, calledAtMs) => {
      // Listed once more, it was entered anew, and that one will have the answer.
      if (request.hasEnded && session.requests.get(request.id) !== undefined) return;
      if (session.attachment !== attachment) {
        if (answer.kind === 'lost' && !request.hasEnded) this.#endings.gone(request, 'displaced');
      } else if (request.givenUp) {
        // Released or closed before it was answered: that cancels it.
        session.send({ kind: 'denied', id: request.id, reason: 'cancelled', holder: undefined, position: 0 });
        if (answer.kind === 'lost' && !request.hasEnded) this.#endings.gone(request, 'displaced');
      } else if (answer.kind === 'adopted') {
        const told = anchoredValidity(this.#ctx.settings, anchor, calledAtMs, request.ttlMs);
        this.#grants.push(request, attachment, told);
      } else {
        this.#startOver(account, request, entry);
      }
    });
  }

  /** What became of the request is of no use to its client: give it back and begin again. */
  #startOver(account: ResumeAccount, known: LeaseRequest, entry: OpenEntry): void {
    account.session.requests.delete(known.id);
    if (known.state === 'adopting') this.#endings.gone(known, 'displaced');
    else this.#endings.giveBack(known, 'expired');
    this.#contention.enqueue(this.#requests.create(account.session, entry.requestId, entry.request));
  }
}

/** Whether a known request can be what the client says it holds. A lapsed lease has been lost for good (S4). */
function isAdoptable(known: LeaseRequest, entry: HeldEntry): boolean {
  const adoptable = known.state === 'held' || known.state === 'unadopted' || known.state === 'adopting';
  return adoptable && known.lease?.token === entry.token;
}
