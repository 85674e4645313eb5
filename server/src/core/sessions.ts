import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { Endings } from './endings.js';
import type { Failure } from './failure.js';
import { printable } from './failure.js';
import type { OpenFrame } from './frames.js';
import type { SessionId } from './names.js';
import { checkNamespace, checkOpen } from './request-check.js';
import { Attachment, Session } from './session.js';
import type { StreamPort } from './session-api.js';
import { draining, notRising, tooMany } from './stream-refusals.js';

export const DEFAULT_NAMESPACE = 'default';

/** Sessions and their streams: opening, taking over, losing the stream. */
export class Sessions {
  constructor(
    private readonly ctx: CoreContext,
    private readonly endings: Endings,
    private readonly contention: Contention,
  ) {}

  /** Opens a stream for a session, new or known. A known one's older stream ends. */
  open(
    port: StreamPort,
    frame: OpenFrame,
    receivedAtMs: number,
  ): { readonly session: Session; readonly attachment: Attachment } | { readonly failure: Failure } {
    const { ctx } = this;
    const invalid = checkOpen(frame);
    if (invalid !== undefined) return { failure: invalid };
    if (ctx.draining) return { failure: draining() };
    const namespace = frame.namespace === '' ? DEFAULT_NAMESPACE : frame.namespace;
    const elsewhere = checkNamespace(namespace, ctx.ports.store.capabilities.onlyNamespace);
    if (elsewhere !== undefined) return { failure: elsewhere };
    const known = ctx.sessions.get(frame.sessionId as SessionId);
    const refusal = known === undefined ? this.#refuseNew(frame) : refuseKnown(known, frame, namespace);
    if (refusal !== undefined) return { failure: refusal };
    const session = known ?? this.#create(frame, namespace);
    session.clientName = frame.clientName;
    session.lastFrameId = frame.id;
    if (session.attachment !== undefined) {
      const message = 'a newer stream of the same session took over';
      session.endStream({ reason: 'SESSION_SUPERSEDED', message });
    }
    ctx.timers.cancel(session.grace);
    const intervalMs = session.heartbeatIntervalMs(ctx.settings);
    const anchor = { frameId: frame.id, receivedAtMs };
    const attachment = new Attachment(port, anchor, frame.resume, intervalMs);
    session.attachment = attachment;
    const { serverId, limits } = ctx.settings;
    session.send({ kind: 'opened', id: frame.id, serverId, heartbeatIntervalMs: intervalMs, limits });
    const { id: sessionId, clientName } = session;
    ctx.telemetry.event({ kind: 'session_opened', sessionId, clientName, resumed: frame.resume });
    // Only now that it has a stream again: a session with neither stream nor requests is forgotten.
    if (!frame.resume) this.endings.giveBackAll(session);
    return { session, attachment };
  }

  /** A stream has gone. The session stays for the grace time, its leases for their validity. */
  detach(session: Session, attachment: Attachment): void {
    const { ctx } = this;
    if (session.attachment !== attachment) return;
    session.attachment = undefined;
    session.passedOver.clear();
    let waiters = 0;
    for (const request of session.requests.values()) {
      if (request.state === 'waiting' || request.state === 'bidding') waiters += 1;
    }
    const leases = session.requests.size - waiters;
    ctx.telemetry.event({ kind: 'session_detached', sessionId: session.id, leases, waiters });
    ctx.timers.set(session.grace, ctx.nowMs() + ctx.settings.limits.graceMs);
    // Its client may go on elsewhere, and release there: from now on only the store knows what it holds.
    if (ctx.ports.store.capabilities.severalServers) {
      for (const { state, resource } of [...session.requests.values()]) {
        if (state === 'held') this.contention.pump(resource);
      }
    }
    ctx.settleSession(session);
  }

  #refuseNew({ id }: OpenFrame): Failure | undefined {
    if (id < 1) return notRising(id, 0);
    const { maxSessions } = this.ctx.settings;
    const count = this.ctx.sessions.size;
    return count >= maxSessions ? tooMany('sessions', count + 1, maxSessions) : undefined;
  }

  #create(frame: OpenFrame, namespace: string): Session {
    const id = frame.sessionId as SessionId;
    const session = new Session(id, namespace, frame.clientName, frame.secretHash, (over) =>
      this.endings.graceOver(over),
    );
    this.ctx.sessions.set(id, session);
    return session;
  }
}

/** Why a stream may not continue a session this server knows. */
function refuseKnown(session: Session, frame: OpenFrame, namespace: string): Failure | undefined {
  if (session.secretHash !== frame.secretHash) {
    const message = `session ${session.id} exists and was opened with another secret`;
    return { reason: 'SESSION_SECRET_MISMATCH', message, field: 'open.session_secret' };
  }
  if (session.namespace !== namespace) {
    return {
      reason: 'FIELD_INVALID',
      message: `session ${session.id} lives in namespace ${printable(session.namespace)}; a session never changes its own`,
      field: 'open.namespace',
      value: printable(namespace),
      limit: printable(session.namespace),
    };
  }
  if (frame.id <= session.lastFrameId) return notRising(frame.id, session.lastFrameId);
  return undefined;
}
