import type { CoreContext } from './core-context.js';
import { invariant } from './invariant.js';
import type { LeaseRequest } from './lease-request.js';
import type { Attachment } from './session.js';
import { type Anchor, anchoredValidity, minimumValidity, storeExpiry } from './validity.js';

/** Turns what the store granted into a lease, and tells its client. */
export class Grants {
  constructor(private readonly ctx: CoreContext) {}

  /** Whether the stream the anchor belongs to is still there, and enough validity is left for the grant to be of use. */
  worthTelling(request: LeaseRequest, attachment: Attachment, anchor: Anchor, calledAtMs: number): boolean {
    if (request.session.attachment !== attachment) return false;
    const { deadlines } = anchoredValidity(this.ctx.settings, anchor, calledAtMs, request.ttlMs);
    return deadlines.toldMs - this.ctx.nowMs() >= minimumValidity(this.ctx.settings, request.ttlMs);
  }

  /** Makes the request the holder and sends `Granted`. */
  tell(request: LeaseRequest, token: bigint, attachment: Attachment, anchor: Anchor, calledAtMs: number): void {
    this.ctx.acquireAnswered(request, 'granted');
    this.hold(request, token, calledAtMs);
    this.push(request, attachment, anchor, calledAtMs);
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
    invariant(holder === undefined || holder === request, 'S1', `${resource.key} granted while it is held`);
    request.state = 'held';
    request.renewedAtMs = calledAtMs;
    resource.holder = request;
    resource.storedHolder = undefined;
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
  push(request: LeaseRequest, attachment: Attachment, anchor: Anchor, calledAtMs: number): void {
    const { settings } = this.ctx;
    const { leaseId, token } = request.heldLease();
    const { validity, deadlines } = anchoredValidity(settings, anchor, calledAtMs, request.ttlMs);
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
