import { CellMap } from './cell-map.js';
import type { Failure } from './failure.js';
import type { LeaseRequest } from './lease-request.js';
import type { ResourceKey, SessionId } from './names.js';
import type { AcquireOutcome, Clock, CorePorts, Telemetry } from './ports.js';
import type { Resource } from './resource.js';
import type { Session } from './session.js';
import type { CoreSettings } from './session-api.js';
import { StoreBatcher } from './store-batcher.js';
import { TimerQueue } from './timer-queue.js';

/** What every part of the core shares: its tables, its deadlines and its ports. Holds no policy. */
export class CoreContext {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly timers: TimerQueue;
  readonly store: StoreBatcher;
  readonly sessions = new Map<SessionId, Session>();
  readonly resources = new CellMap<ResourceKey, Resource>();
  draining = false;
  #storeAvailable = true;

  constructor(
    readonly settings: CoreSettings,
    readonly ports: CorePorts,
  ) {
    this.clock = ports.clock;
    this.telemetry = ports.telemetry;
    this.timers = new TimerQueue(ports.clock);
    this.store = new StoreBatcher(ports);
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  /** Forgets a resource that nobody holds or wants. */
  dropIfUnused(resource: Resource): void {
    if (!resource.unused || this.resources.get(resource.key) !== resource) return;
    this.timers.cancel(resource.retry);
    this.timers.cancel(resource.tellPlaces);
    this.resources.delete(resource.key);
  }

  /** Ends a closing session that has nothing left, and forgets one that has neither a stream nor anything to keep. */
  settleSession(session: Session): void {
    if (session.requests.size > 0) return;
    const { closing } = session;
    if (closing !== undefined) {
      session.send({ kind: 'closed', id: closing.frameId });
      session.endStream();
    }
    if (session.attachment !== undefined || this.sessions.get(session.id) !== session) return;
    this.timers.cancel(session.grace);
    this.sessions.delete(session.id);
    const cause = closing === undefined ? 'grace_over' : 'closed';
    this.telemetry.event({ kind: 'session_ended', sessionId: session.id, cause });
  }

  /** Takes a request out of its session, finally. */
  endRequest(request: LeaseRequest): void {
    request.state = 'ended';
    this.timers.cancel(request.deadline);
    const { session } = request;
    if (session.requests.get(request.id) === request) session.requests.delete(request.id);
    session.unadopted.delete(request);
    request.resource.forgetUnadopted(request);
    session.renewals.remove(request);
  }

  /** Tells whoever observes that an acquire has its answer. */
  acquireAnswered(request: LeaseRequest, outcome: AcquireOutcome): void {
    request.span?.end(outcome);
    request.span = undefined;
    this.telemetry.acquireEnded(outcome, this.nowMs() - request.arrivedAtMs);
  }

  fail(session: Session, id: number, failure: Failure): void {
    this.telemetry.failed(failure.reason);
    session.send({ kind: 'failed', id, failure });
  }

  /** Notes whether the store answers; the change, not each answer, is worth an event. */
  noteStore(problem: string | undefined): void {
    if (problem === undefined) {
      if (!this.#storeAvailable) this.telemetry.event({ kind: 'store_available' });
      this.#storeAvailable = true;
      return;
    }
    if (this.#storeAvailable) this.telemetry.event({ kind: 'store_unavailable', message: problem });
    this.#storeAvailable = false;
  }

  get storeAvailable(): boolean {
    return this.#storeAvailable;
  }
}

/** The failure of a request that the store could not serve. */
export function storeUnavailable(message: string): Failure {
  return { reason: 'STORE_UNAVAILABLE', message: `the store cannot answer: ${message}`, retryAfterMs: 1_000 };
}
