import {
  type Acquire,
  type Extended,
  type Granted,
  type Heartbeat,
  type Open,
  type Resumed,
  ResumedLease_Outcome,
  type ServerFrame,
  type Validity,
} from '@holdfast/protocol';
import type { Beliefs } from './beliefs.js';
import { type Due, Dues, due, inWords, Violation } from './dues.js';

/** A session as its frames show it. */
export class ModelSession {
  readonly id: string;
  readonly secret: string;
  readonly namespace: string;
  stream: ModelStream | undefined;
  /** The one opened last, whether it is still there or not. */
  newest: ModelStream | undefined;
  /** And has not been answered yet. */
  hasSaidClose = false;
  /** What its last stream left unanswered. */
  dues = new Dues();
  lastFrameId = 0;
  /** Resource and time to live of everything it has asked for. */
  readonly requests = new Map<number, { readonly resource: string | undefined; readonly ttlMs: number | undefined }>();
  readonly #secrets: Set<string>;

  /** @param before Another of this id, whose leases the store may still have. */
  constructor(open: Open, before?: ModelSession) {
    this.#secrets = new Set(before === undefined ? [] : before.#secrets);
    this.id = open.sessionId;
    this.secret = open.sessionSecret.toString('hex');
    this.namespace = open.namespace;
  }

  /** Without a stream a server forgets a session that has nothing. */
  get mayBeKnown(): boolean {
    return this.requests.size > 0;
  }

  asks(id: number, { earlierSecrets, resources, secret, ttlMs }: Acquire): void {
    const resource = `${this.namespace}\u0000${resources[0]?.name}`;
    const known = this.requests.get(id);
    // Of one id for two resources only the server can tell which it took.
    const same = known === undefined || known.resource === resource;
    const asked = ttlMs === undefined ? undefined : Number(ttlMs);
    this.requests.set(id, { resource: same ? resource : undefined, ttlMs: known?.ttlMs ?? asked });
    for (const each of [secret, ...earlierSecrets]) this.#secrets.add(each.toString('hex'));
  }

  /** Whether one of the secrets has been used by this session before. */
  knowsSecretOf({ earlierSecrets, secret }: Acquire): boolean {
    return [secret, ...earlierSecrets].some((each) => this.#secrets.has(each.toString('hex')));
  }
}

/** One stream: what is owed on it, and whether it may go on. */
export class ModelStream {
  stage: 'new' | 'resuming' | 'open' | 'closing' | 'ending' | 'over' = 'new';
  session: ModelSession | undefined;
  readonly dues = new Dues();
  /** Its session had said Close on an earlier stream: once that is done this stream ends, too. */
  mayClose = false;
  /** Another may have taken over before the server read what was said last. */
  mayBeSuperseded = false;
  /** The reasons it must end with, one of them. */
  endsWith: readonly string[] | undefined;
  readonly listedIds = new Set<number>();
  #opened = false;
  #lastPush = 0n;
  readonly #sentAtMs = new Map<number, number>();
  /** What the client holds by the protocol's rule, and whether all its accounts were right. */
  readonly #held = new Map<number, string>();
  #isHonest = true;
  /** What the client has given back on this stream: a grant that was on its way then is nothing to it. */
  readonly #givenBack = new Set<number>();
  readonly #resumes = new Map<number, readonly number[]>();
  readonly #entries = new Map<number, { readonly leaseId: string | undefined; readonly mayBeHeld: boolean }>();

  constructor(
    private readonly beliefs: Beliefs,
    private readonly nowMs: () => number,
  ) {}

  get takesFrames(): boolean {
    return this.stage === 'new' || this.stage === 'resuming' || this.stage === 'open';
  }

  get isClosing(): boolean {
    return this.stage === 'closing';
  }

  /** Its session is closing, which reads nothing more, and it was to end for what was said. */
  get mayBeUnread(): boolean {
    return this.mayClose && this.stage === 'ending';
  }

  get listedEntries(): number {
    return this.listedIds.size;
  }

  sent(id: number, atMs: number): void {
    this.#sentAtMs.set(id, atMs);
  }

  beat(id: number, { heldCount, heldHash, pushSeen }: Heartbeat): void {
    let hash = 0n;
    for (const leaseId of this.#held.values()) hash ^= lastEightBytes(leaseId);
    const isRight = pushSeen === this.#lastPush && heldCount === this.#held.size && heldHash === hash;
    if (!isRight) this.#isHonest = false;
    const answers = this.#isHonest ? (['extended'] as const) : (['extended', 'heldListRequested'] as const);
    // Far ahead of anything pushed it can only be refused; a little ahead the server may just have pushed that much.
    if (pushSeen >= this.#lastPush + 1_000n) this.dues.owe(id, due([], 'FIELD_INVALID'));
    else this.dues.owe(id, due(answers, ...(pushSeen > this.#lastPush ? ['FIELD_INVALID'] : [])));
  }

  /** A list that the server did not ask for, or not so, may make the accounts differ from then on. */
  hasListed(): void {
    this.#isHonest = false;
  }

  released(session: ModelSession, requestId: number): void {
    this.#held.delete(requestId);
    this.#givenBack.add(requestId);
    this.beliefs.over(session.id, requestId);
  }

  /** An entry of a Resume says that a request has had no answer. */
  reopened(requestId: number, what: Due): void {
    // Listed twice, against the rules: then it may be answered twice.
    if (this.dues.owes(requestId)) this.dues.mayAnswer(requestId, what);
    else this.dues.owe(requestId, what);
  }

  lists(requestId: number, leaseId: string | undefined, mayBeHeld: boolean): void {
    if (this.listedIds.has(requestId)) this.#isHonest = false;
    this.listedIds.add(requestId);
    // Of two entries for one request either may be what the server goes by.
    const before = this.#entries.get(requestId);
    this.#entries.set(requestId, {
      leaseId: leaseId ?? before?.leaseId,
      mayBeHeld: mayBeHeld || before?.mayBeHeld === true,
    });
  }

  owesResumed(id: number, results: readonly number[]): void {
    this.dues.owe(id, due(['resumed']));
    this.#resumes.set(id, results);
  }

  heard(frame: ServerFrame): void {
    const { id, kind } = frame;
    if (this.stage === 'over') throw new Violation(`${kind?.$case} on a stream that is over`);
    if (kind?.$case === 'opened') this.#opened = true;
    else if (!this.#opened) throw new Violation(`${kind?.$case} on a stream that is not open`);
    if (kind?.$case === 'queued') {
      if (!this.dues.waitsFor(Number(id))) throw new Violation(`queued for ${id}, which does not wait`);
      if (kind.value.position < 1) throw new Violation(`place ${kind.value.position} in a queue`);
      return;
    }
    if (kind?.$case === 'closed' && this.session !== undefined) this.session.hasSaidClose = false;
    if (id !== 0n) this.dues.answered(frame);
    else if (kind?.$case !== 'lost' && kind?.$case !== 'draining' && kind?.$case !== 'extended') {
      throw new Violation(`${kind?.$case} as a push`);
    }
    // Of a stream that another has replaced the client ignores the rest.
    if (this.session?.stream === this) this.#take(this.session, frame);
  }

  ended(reason: string): void {
    if (this.stage === 'over') throw new Violation(`ended again, with ${reason}`);
    const superseded = this.mayClose || this.mayBeSuperseded ? ['SESSION_SUPERSEDED'] : [];
    const allowed = [...(this.endsWith ?? []), ...(this.mayClose ? ['OK'] : []), ...superseded];
    if (!allowed.includes(reason)) {
      throw new Violation(`the stream ended with ${reason}, where ${allowed.join(' or ') || 'nothing ends it'}`);
    }
    if (this.isClosing && !this.mayClose) this.#allAnswered('at its close', (what) => what.answers.includes('granted'));
    if (this.session?.stream === this) {
      this.session.stream = undefined;
      this.session.dues = this.dues;
    }
    this.stage = 'over';
  }

  /** All had time enough: throws where something is still to come. */
  atRest(): void {
    if (this.stage === 'over') return;
    if (this.endsWith !== undefined)
      throw new Violation(`the stream should have ended with ${this.endsWith.join(' or ')}`);
    // Whoever has not finished its Resume is served only then.
    const resuming = this.stage === 'resuming';
    this.#allAnswered('at rest', ({ answers }) => !(resuming && answers.includes('granted')));
  }

  #allAnswered(when: string, which: (what: Due) => boolean = () => true): void {
    for (const [id, what] of this.dues.owed()) {
      if (which(what)) throw new Violation(`${when} frame ${id} has no answer: ${inWords(what)}`);
    }
  }

  #take(session: ModelSession, { id, kind }: ServerFrame): void {
    switch (kind?.$case) {
      case 'granted':
        this.#granted(session, Number(id), kind.value);
        return;
      case 'lost': {
        const requestId = Number(kind.value.requestId);
        this.#pushed(kind.value.push);
        this.#held.delete(requestId);
        this.beliefs.over(session.id, requestId);
        return;
      }
      case 'resumed':
        this.#resumed(session, Number(id), kind.value);
        return;
      case 'extended':
        this.#extended(session, kind.value);
        return;
      default:
        return;
    }
  }

  #granted(session: ModelSession, id: number, { leaseId, push, tokens, ttlMs, validity }: Granted): void {
    this.#pushed(push);
    const [token] = tokens;
    const request = session.requests.get(id);
    if (token === undefined || tokens.length > 1) throw new Violation(`a grant with ${tokens.length} tokens`);
    if (request === undefined) throw new Violation(`a grant for ${id}, which asked for nothing`);
    if (request.ttlMs !== undefined && ttlMs > Math.max(request.ttlMs, 0) && this.#entries.get(id) === undefined) {
      throw new Violation(`granted for ${ttlMs} ms, asked for ${request.ttlMs}`);
    }
    this.#held.set(id, leaseId);
    const untilMs = this.#until(validity, ttlMs);
    // The client counts it among what it holds, and the server does not.
    if (this.#givenBack.has(id)) this.#isHonest = false;
    else if (request.resource !== undefined) this.beliefs.granted(session.id, id, request.resource, token, untilMs);
  }

  #resumed(session: ModelSession, id: number, { leases, push }: Resumed): void {
    this.#pushed(push);
    const wanted = [...(this.#resumes.get(id) ?? [])].sort((one, other) => one - other);
    const got = leases.map(({ requestId }) => Number(requestId)).sort((one, other) => one - other);
    if (wanted.join() !== got.join()) throw new Violation(`resumed ${got.join()}, asked for ${wanted.join()}`);
    for (const { outcome, requestId: wireId, validity } of leases) {
      const requestId = Number(wireId);
      const entry = this.#entries.get(requestId);
      switch (outcome) {
        case ResumedLease_Outcome.OUTCOME_HELD:
          if (entry?.mayBeHeld !== true)
            throw new Violation(`request ${requestId} is held by a secret nobody has used`);
          this.beliefs.raise(session.id, requestId, this.#until(validity, Infinity));
          break;
        case ResumedLease_Outcome.OUTCOME_UNKNOWN:
          break;
        default:
          this.beliefs.over(session.id, requestId);
          continue;
      }
      // What has been lost or given back while the answer was awaited is not held.
      if (entry?.leaseId !== undefined) this.#held.set(requestId, entry.leaseId);
      this.#isHonest = false;
    }
  }

  #extended(session: ModelSession, { anchor, groups }: Extended): void {
    for (const { durationMs, requestIds } of groups) {
      for (const requestId of requestIds) {
        if (!session.requests.has(Number(requestId)))
          throw new Violation(`${requestId} is extended, which asked for nothing`);
        this.beliefs.raise(session.id, Number(requestId), this.#until({ anchor, durationMs }, Infinity));
      }
    }
  }

  #until(validity: Validity | undefined, mostMs: number): number {
    const sentAtMs = this.#sentAtMs.get(Number(validity?.anchor ?? 0n));
    if (validity === undefined || sentAtMs === undefined)
      throw new Violation('a validity anchored at no frame of the stream');
    const untilMs = sentAtMs + validity.durationMs;
    if (untilMs > this.nowMs() + mostMs)
      throw new Violation(`valid until ${untilMs}, later than ${mostMs} ms from now`);
    return untilMs;
  }

  #pushed(push: bigint): void {
    if (push <= this.#lastPush) throw new Violation(`push ${push} after ${this.#lastPush}`);
    this.#lastPush = push;
  }
}

function lastEightBytes(leaseId: string): bigint {
  return BigInt(`0x${leaseId.replaceAll('-', '').slice(16)}`);
}
