import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { Endings } from './endings.js';
import type { ResumedLease, ResumeEntry, ResumeFrame } from './frames.js';
import { Grants } from './grants.js';
import type { LeaseRequest } from './lease-request.js';
import type { AdoptAnswer } from './ports.js';
import type { RequestFactory } from './request-factory.js';
import type { Attachment, Session } from './session.js';
import { type Anchor, anchoredValidity } from './validity.js';

type HeldEntry = Extract<ResumeEntry, { claim: 'held' }>;
type OpenEntry = Extract<ResumeEntry, { claim: 'open' }>;
type GivenUpEntry = Extract<ResumeEntry, { claim: 'given_up' }>;

/** An adoption that was overtaken by another resume says nothing about the newest secret. */
const STALE_ADOPTION: AdoptAnswer = { kind: 'unknown', message: 'the session resumed again meanwhile' };

/** One Resume frame: its results gather here until every entry has one. */
interface Account {
  readonly session: Session;
  readonly attachment: Attachment;
  readonly anchor: Anchor;
  readonly frameId: number;
  readonly results: ResumedLease[];
  /** Leases the client goes on holding once it has the answer. */
  readonly kept: LeaseRequest[];
  /** Entries without a result, and one more until all have been read. */
  pending: number;
}

/** A session comes back: leases are adopted, requests find their place again, the rest is given back. */
export class Resumption {
  readonly #ctx: CoreContext;
  readonly #contention: Contention;
  readonly #endings: Endings;
  readonly #requests: RequestFactory;
  readonly #grants: Grants;

  constructor(ctx: CoreContext, contention: Contention, endings: Endings, requests: RequestFactory) {
    this.#ctx = ctx;
    this.#contention = contention;
    this.#endings = endings;
    this.#requests = requests;
    this.#grants = new Grants(ctx);
  }

  /** Takes one Resume frame. With the last one, whatever was not listed is given back. */
  resume(session: Session, attachment: Attachment, frame: ResumeFrame): void {
    const { anchor } = attachment;
    const account: Account = {
      session,
      attachment,
      anchor,
      frameId: frame.id,
      results: [],
      kept: [],
      pending: frame.entries.length + 1,
    };
    for (const entry of frame.entries) {
      attachment.resuming?.add(entry.requestId);
      this.#take(account, entry);
    }
    account.pending -= 1;
    this.#answerIfDone(account);
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
        if (answer.kind === 'lost') this.#endings.displaced(request);
        if (answer.kind !== 'adopted' || session.attachment !== attachment) return;
        const told = anchoredValidity(this.#ctx.settings, anchor, calledAtMs, request.ttlMs);
        request.raiseDeadlines(told.deadlines);
        const groups = [{ durationMs: told.validity.durationMs, requestIds: [request.id] }];
        session.send({ kind: 'extended', id: 0, anchor: anchor.frameId, groups, heartbeatIntervalMs: 0 });
      });
    }
  }

  #take(account: Account, entry: ResumeEntry): void {
    const failure = this.#requests.check(entry.request);
    if (failure !== undefined) {
      account.pending -= 1;
      if (entry.claim === 'open') this.#ctx.fail(account.session, entry.requestId, failure);
      else account.results.push({ requestId: entry.requestId, outcome: 'lost' });
      return;
    }
    switch (entry.claim) {
      case 'held':
        this.#takeHeld(account, entry);
        return;
      case 'open':
        account.pending -= 1;
        this.#takeOpen(account, entry);
        return;
      case 'given_up':
        this.#takeGivenUp(account, entry);
        return;
    }
  }

  #takeHeld(account: Account, entry: HeldEntry): void {
    const known = account.session.requests.get(entry.requestId);
    if (known !== undefined && !isAdoptable(known, entry)) {
      this.#result(account, { requestId: entry.requestId, outcome: 'lost' });
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
      account.kept.push(request);
      this.#result(account, { requestId: entry.requestId, outcome: 'unknown' });
      return;
    }
    this.#adopt(request, (answer, calledAtMs) => this.#heldAnswered(account, request, answer, calledAtMs));
  }

  /** Swaps the store's value for the newest secret, and enters the outcome in the tables. Telling it is `done`'s. */
  #adopt(request: LeaseRequest, done: (answer: AdoptAnswer, calledAtMs: number) => void): void {
    const { resource } = request;
    request.state = 'adopting';
    request.adoptWhenGranted = false;
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
      resource.callsUnderWay -= 1;
      const settled = answer.kind === 'lost' || !request.adoptWhenGranted ? answer : STALE_ADOPTION;
      switch (settled.kind) {
        case 'adopted':
          resource.noteAdoptedToken(settled.token);
          this.#grants.hold(request, settled.token, calledAtMs);
          break;
        case 'unknown':
          request.state = 'unadopted';
          resource.holder ??= request;
          request.session.unadopted.add(request);
          break;
        case 'lost':
          break;
      }
      done(settled, calledAtMs);
      if (request.givenUp && request.state !== 'ended') {
        request.givenUp = false;
        this.#endings.giveBack(request, 'closed');
      }
    });
  }

  #heldAnswered(account: Account, request: LeaseRequest, answer: AdoptAnswer, calledAtMs: number): void {
    const requestId = request.id;
    switch (answer.kind) {
      case 'adopted': {
        const { settings } = this.#ctx;
        const { validity, deadlines } = anchoredValidity(settings, account.anchor, calledAtMs, request.ttlMs);
        if (account.session.attachment === account.attachment) request.raiseDeadlines(deadlines);
        account.kept.push(request);
        this.#result(account, { requestId, outcome: 'held', validity });
        return;
      }
      case 'lost':
        this.#endings.gone(request, 'displaced');
        this.#result(account, { requestId, outcome: 'lost' });
        return;
      case 'unknown':
        account.kept.push(request);
        this.#result(account, { requestId, outcome: 'unknown' });
        return;
    }
  }

  #takeOpen(account: Account, entry: OpenEntry): void {
    const { session } = account;
    const known = session.requests.get(entry.requestId);
    if (known === undefined) {
      this.#contention.enqueue(this.#requests.create(session, entry.requestId, entry.request));
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
  #grantAgain(account: Account, request: LeaseRequest, entry: OpenEntry): void {
    const { attachment, anchor, session } = account;
    this.#adopt(request, (answer, calledAtMs) => {
      if (session.attachment !== attachment) return;
      if (answer.kind === 'adopted') this.#grants.push(request, attachment, anchor, calledAtMs);
      else this.#startOver(account, request, entry);
    });
  }

  /** What became of the request is of no use to its client: give it back and begin again. */
  #startOver(account: Account, known: LeaseRequest, entry: OpenEntry): void {
    account.session.requests.delete(known.id);
    if (known.state === 'adopting') this.#endings.gone(known, 'displaced');
    else this.#endings.giveBack(known, 'expired');
    this.#contention.enqueue(this.#requests.create(account.session, entry.requestId, entry.request));
  }

  #takeGivenUp(account: Account, entry: GivenUpEntry): void {
    const { requestId } = entry;
    const known = account.session.requests.get(requestId);
    if (known !== undefined) {
      this.#endings.giveBack(known, 'released');
      this.#result(account, { requestId, outcome: 'released' });
      return;
    }
    const resource = this.#requests.resourceKey(account.session, entry.request);
    const hashes = [...entry.request.earlierHashes, entry.request.hash];
    this.#ctx.store.release({ resource, hashes }, (answer) => {
      this.#result(account, { requestId, outcome: answer === 'unknown' ? 'unknown' : 'released' });
      const freed = this.#ctx.resources.get(resource);
      if (freed !== undefined) this.#contention.retry(freed);
    });
  }

  #result(account: Account, result: ResumedLease): void {
    account.pending -= 1;
    account.results.push(result);
    this.#answerIfDone(account);
  }

  #answerIfDone(account: Account): void {
    const { attachment } = account;
    if (account.pending > 0 || account.session.attachment !== attachment) return;
    const push = attachment.held.nextPush();
    for (const request of account.kept) attachment.held.gained(push, request.id, request.heldLease().leaseId);
    attachment.port.send({ kind: 'resumed', id: account.frameId, leases: account.results, push });
  }
}

/** Whether a known request can be what the client says it holds. A lapsed lease has been lost for good (S4). */
function isAdoptable(known: LeaseRequest, entry: HeldEntry): boolean {
  const adoptable = known.state === 'held' || known.state === 'unadopted' || known.state === 'adopting';
  return adoptable && known.lease?.token === entry.token;
}
