import { type CoreContext, storeUnavailable } from './core-context.js';
import type { Endings } from './endings.js';
import { printable } from './failure.js';
import type { HeartbeatFrame, HeldListFrame } from './frames.js';
import type { LeaseRequest } from './lease-request.js';
import type { ExtendAnswer } from './ports.js';
import type { Resumption } from './resumption.js';
import type { Attachment, Session } from './session.js';
import { type Anchor, anchoredValidity } from './validity.js';

/** The leases one frame extends, and what has been answered so far. */
interface Round {
  readonly session: Session;
  readonly attachment: Attachment;
  readonly anchor: Anchor;
  readonly frameId: number;
  pending: number;
  renewed: number;
  readonly byDuration: Map<number, number[]>;
}

/** Beats: the client says what it holds, and what is due is extended. */
export class Extensions {
  constructor(
    private readonly ctx: CoreContext,
    private readonly endings: Endings,
    private readonly resumption: Resumption,
  ) {}

  /** Compares accounts and extends what is due; the beat is answered when the store has answered. */
  beat(session: Session, attachment: Attachment, frame: HeartbeatFrame): void {
    if (frame.pushSeen > attachment.held.lastPush) {
      this.ctx.fail(session, frame.id, {
        reason: 'FIELD_INVALID',
        message: `heartbeat.push_seen is ${frame.pushSeen}, but the last push sent was ${attachment.held.lastPush}`,
        field: 'heartbeat.push_seen',
        value: String(frame.pushSeen),
        limit: String(attachment.held.lastPush),
      });
      return;
    }
    const verdict = attachment.held.compare(frame.pushSeen, frame.heldCount, frame.heldHash);
    if (verdict === 'differs') {
      this.#askForList(session, attachment, frame);
      return;
    }
    this.resumption.retryUnadopted(session);
    const round = this.#round(session, attachment, frame.id);
    if (verdict === 'agrees' && attachment.listAwaitedFor === undefined) {
      const nextBeatMs = this.ctx.nowMs() + session.heartbeatIntervalMs(this.ctx.settings);
      for (const request of session.renewals.due(nextBeatMs)) {
        const extendable = !request.manualExtension && !request.abandoned && !request.extending;
        if (extendable && attachment.held.isSeen(request.id)) this.#extend(request, round);
      }
    }
    this.#answerIfDone(round);
  }

  /** Extends one lease on its client's explicit wish. */
  extendNow(session: Session, attachment: Attachment, requestId: number, frameId: number): void {
    const request = session.requests.get(requestId);
    if (request?.state === 'adopting' || request?.state === 'unadopted') {
      this.ctx.fail(session, frameId, storeUnavailable('the lease is being taken over by this server'));
      return;
    }
    if (request?.state !== 'held' || request.abandoned) {
      this.#failLost(session, frameId, requestId);
      return;
    }
    const round = this.#round(session, attachment, frameId);
    this.#extend(request, round, (answer) => {
      if (answer === 'renewed') this.#answerIfDone(round);
      else if (answer === 'lost') this.#failLost(session, frameId, requestId);
      else this.ctx.fail(session, frameId, storeUnavailable('the extension was not confirmed'));
    });
  }

  /**
   * The client's list, after accounts differed. What the client does not list it does not hold, and it is not extended
   * any more; it is not freed either, for only a Release is the holder's word. What we do not know is told lost.
   */
  heldList(session: Session, attachment: Attachment, frame: HeldListFrame): void {
    const awaited = attachment.listAwaitedFor;
    if (awaited === undefined || awaited.heartbeatId !== frame.heartbeatId) return;
    for (const id of frame.requestIds) {
      if (awaited.listed.size < this.ctx.settings.limits.maxRequestsPerSession) awaited.listed.add(id);
    }
    if (!frame.last) return;
    attachment.listAwaitedFor = undefined;
    for (const requestId of attachment.held.keepOnly(awaited.listed, awaited.pushSeen)) {
      const request = session.requests.get(requestId);
      if (request?.state === 'held') request.abandoned = true;
    }
    for (const requestId of awaited.listed) {
      const state = session.requests.get(requestId)?.state;
      if (state === 'held' || state === 'adopting' || state === 'unadopted' || state === 'releasing') continue;
      const push = attachment.held.nextPush();
      session.send({ kind: 'lost', id: 0, requestId, reason: 'expired', push });
    }
    attachment.held.unsettleUntilNow();
  }

  #askForList(session: Session, attachment: Attachment, frame: HeartbeatFrame): void {
    if (attachment.listAwaitedFor === undefined) {
      attachment.listAwaitedFor = { heartbeatId: frame.id, pushSeen: frame.pushSeen, listed: new Set() };
      this.ctx.telemetry.event({ kind: 'held_set_differs', sessionId: session.id });
      session.send({ kind: 'held_list_requested', id: frame.id });
      return;
    }
    session.send({ kind: 'extended', id: frame.id, anchor: 0, groups: [], heartbeatIntervalMs: 0 });
  }

  #round(session: Session, attachment: Attachment, frameId: number): Round {
    return { session, attachment, anchor: attachment.anchor, frameId, pending: 0, renewed: 0, byDuration: new Map() };
  }

  #extend(request: LeaseRequest, round: Round, done?: (answer: ExtendAnswer) => void): void {
    const { token } = request.heldLease();
    round.pending += 1;
    request.extending = true;
    const bid = { resource: request.resource.key, hash: request.hash, token, ttlMs: request.ttlMs };
    this.ctx.store.extend(bid, (said, calledAtMs) => {
      this.ctx.noteStore(said === 'unknown' ? 'an extension was not confirmed' : undefined);
      // Adopted meanwhile: that the older secret is gone says nothing about the lease.
      const answer = said === 'lost' && request.hash !== bid.hash ? 'unknown' : said;
      round.pending -= 1;
      request.extending = false;
      this.#extended(request, round, answer, calledAtMs);
      if (done === undefined) this.#answerIfDone(round);
      else done(answer);
    });
  }

  #extended(request: LeaseRequest, round: Round, answer: ExtendAnswer, calledAtMs: number): void {
    // Released or lapsed meanwhile: nothing brings it back (S4).
    if (request.state !== 'held') return;
    switch (answer) {
      case 'renewed': {
        const { validity, deadlines } = anchoredValidity(this.ctx.settings, round.anchor, calledAtMs, request.ttlMs);
        request.raiseDeadlines(deadlines);
        request.renewedAtMs = Math.max(request.renewedAtMs, calledAtMs);
        request.session.renewals.renewed(request);
        this.ctx.timers.set(request.deadline, request.deadlines.serverMs);
        const ids = round.byDuration.get(validity.durationMs);
        if (ids === undefined) round.byDuration.set(validity.durationMs, [request.id]);
        else ids.push(request.id);
        round.renewed += 1;
        return;
      }
      case 'lost':
        this.endings.displaced(request);
        return;
      case 'unknown':
        return;
    }
  }

  /** One `Extended` for everything the frame extended, once the store has answered for all of it. */
  #answerIfDone(round: Round): void {
    if (round.pending > 0 || round.session.attachment !== round.attachment) return;
    const { attachment, session } = round;
    const intervalMs = session.heartbeatIntervalMs(this.ctx.settings);
    const changed = intervalMs !== attachment.toldIntervalMs;
    attachment.toldIntervalMs = intervalMs;
    if (round.renewed > 0) this.ctx.telemetry.extended(round.renewed);
    attachment.port.send({
      kind: 'extended',
      id: round.frameId,
      anchor: round.renewed > 0 ? round.anchor.frameId : 0,
      groups: [...round.byDuration].map(([durationMs, requestIds]) => ({ durationMs, requestIds })),
      heartbeatIntervalMs: changed ? intervalMs : 0,
    });
  }

  #failLost(session: Session, frameId: number, requestId: number): void {
    this.ctx.fail(session, frameId, {
      reason: 'LEASE_LOST',
      message: `request ${requestId} has no lease in this session (any more)`,
      field: 'extend.request_id',
      value: printable(String(requestId)),
    });
  }
}
