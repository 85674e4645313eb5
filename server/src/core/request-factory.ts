import type { CoreContext } from './core-context.js';
import type { Failure } from './failure.js';
import type { AcquireRequest } from './frames.js';
import { LeaseRequest } from './lease-request.js';
import { type LeaseId, type RequestId, type ResourceKey, resourceKey } from './names.js';
import { checkAcquire } from './request-check.js';
import { Resource } from './resource.js';
import type { Session } from './session.js';
import { tooMany } from './stream-refusals.js';
import { uuidV7 } from './uuid-v7.js';

/** What a request's and a resource's deadlines lead to. */
export interface DeadlineHandlers {
  requestDue(request: LeaseRequest): void;
  retryDue(resource: Resource): void;
  tellPlacesDue(resource: Resource): void;
}

/** Makes requests and the resources they are about, and enters them in the tables. */
export class RequestFactory {
  readonly #ctx: CoreContext;
  readonly #handlers: DeadlineHandlers;

  constructor(ctx: CoreContext, handlers: DeadlineHandlers) {
    this.#ctx = ctx;
    this.#handlers = handlers;
  }

  /** What is wrong with a request, or `undefined`. */
  check(request: AcquireRequest): Failure | undefined {
    return checkAcquire(request, this.#ctx.settings.limits);
  }

  /** Why a session may have no further request, or `undefined`. */
  sessionIsFull(session: Session): Failure | undefined {
    const most = this.#ctx.settings.limits.maxRequestsPerSession;
    const { size } = session.requests;
    return size < most ? undefined : tooMany('requests of the session', size + 1, most);
  }

  /** Why a resource may have no further waiter, or `undefined`. */
  queueIsFull(key: ResourceKey): Failure | undefined {
    const most = this.#ctx.settings.maxWaitersPerResource;
    const size = this.#ctx.resources.get(key)?.waiters.size ?? 0;
    return size < most ? undefined : tooMany('waiters for the resource', size + 1, most);
  }

  resourceKey(session: Session, request: AcquireRequest): ResourceKey {
    return resourceKey(session.namespace, request.names[0] ?? '');
  }

  /** Enters a checked request. `key` is its resource's, for whoever has made it already. */
  create(
    session: Session,
    id: RequestId,
    request: AcquireRequest,
    key: ResourceKey = this.resourceKey(session, request),
  ): LeaseRequest {
    const { settings, clock, ports, telemetry } = this.#ctx;
    const made = new LeaseRequest(
      session,
      id,
      this.#resource(key),
      request.ttlMs ?? settings.limits.defaultTtlMs,
      request,
      clock.nowMs(),
      uuidV7(clock, ports.random) as LeaseId,
      ports.random.unit(),
      this.#handlers.requestDue,
    );
    made.span = telemetry.acquireStarted(key, request.trace);
    session.requests.set(id, made);
    return made;
  }

  #resource(key: ResourceKey): Resource {
    let resource = this.#ctx.resources.get(key);
    if (resource === undefined) {
      resource = new Resource(key, this.#handlers.retryDue, this.#handlers.tellPlacesDue);
      this.#ctx.resources.set(key, resource);
    }
    return resource;
  }
}
