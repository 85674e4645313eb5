import type { CoreContext } from './core-context.js';
import { invariant } from './invariant.js';
import type { LeaseRequest } from './lease-request.js';
import type { Attachment } from './session.js';
import { type Anchor, anchoredValidity, minimumValidity, storeExpiry, type Told } from './validity.js';

/** Turns what the store granted into a lease, and tells its client. */
export class Grants {
  constructor(private readonly ctx: CoreContext) {}

  /**
   * What its client would be told of a grant; `undefined` when the stream the anchor belongs to is gone, or too little
   * validity is left for the grant to be of use.
   */
  worthTelling(request: LeaseRequest, attachment: Attachment, anchor: Anchor, calledAtMs: number): Told | undefined {
    if (request.session.attachment !== attachment) return undefined;
    const told = anchoredValidity(this.ctx.settings, anchor, calledAtMs, request.ttlMs);
    const leftMs = told.deadlines.toldMs - this.ctx.nowMs();
    return leftMs >= minimumValidity(this.ctx.settings, request.ttlMs) ? told : undefined;
  }

  /** Makes the request the holder and sends `Granted`. */
  tell(request: LeaseRequest, token: bigint, attachment: Attachment, told: Told, calledAtMs: number): void {
    this.ctx.acquireAnswered(request, 'granted');
    this.hold(request, token, calledAtMs);
    this.push(request, attachment, told);
  }

  /** Enters the lease in the tables: it is the server's until t0 + TTL, told or not. */
  hold(request: LeaseRequest, token: bigint, calledAtMs: number): void {
    const { ctx } = this;
    const { session, resource } = request;
    request.lease ??= {
      leaseId: request.leaseId,
      token,
      grantedAtMs: ctx.nowMs(),
      grantedAtWallMs: ctx.clock.wallMs(),
    };
    const { holder } = resource;
    invariant(holder === undefined || holder === request, 'S1', () => `${resource.key} granted while it is held`);
    request.state = 'held';
    request.renewedAtMs = calledAtMs;
    resource.holder = request;
    resource.storedHolder = undefined;
    resource.refusals = 0;
    resource.storeProblem = undefined;
    ctx.timers.cancel(resource.retry);
    session.renewals.renewed(request);
    request.raiseDeadlines({
      toldMs: 0,
      serverMs: calledAtMs + request.ttlMs,
      storeMs: storeExpiry(ctx.settings, calledAtMs, request.ttlMs),
    });
    ctx.timers.set(request.deadline, request.deadlines.serverMs);
  }

  /** Sends `Granted` for a lease in the tables. */
  push(request: LeaseRequest, attachment: Attachment, { validity, deadlines }: Told): void {
    const { settings } = this.ctx;
    const { leaseId, token } = request.heldLease();
    request.raiseDeadlines(deadlines);
    const push = attachment.held.nextPush();
    attachment.held.gained(push, request.id, leaseId);
    attachment.toldIntervalMs = request.session.heartbeatIntervalMs(settings);
    attachment.port.send({
      kind: 'granted',
      id: request.id,
      leaseId,
      tokens: [token],
      validity,
      ttlMs: request.ttlMs,
      heartbeatIntervalMs: attachment.toldIntervalMs,
      push,
    });
  }
}
