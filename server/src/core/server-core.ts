import { Contention } from './contention.js';
import { CoreContext } from './core-context.js';
import { Endings } from './endings.js';
import { Extensions } from './extensions.js';
import type { LeaseRequest } from './lease-request.js';
import { listLeases } from './listing.js';
import { OtherServers } from './other-servers.js';
import type { CorePorts, CoreSizes } from './ports.js';
import { RequestFactory } from './request-factory.js';
import { Resumption } from './resumption.js';
import type { CoreSettings, LeaseQuery, ListedLease, ServerCoreApi, StreamHandler, StreamPort } from './session-api.js';
import { Sessions } from './sessions.js';
import { type CoreParts, CoreStreamHandler } from './stream-handler.js';
import { draining } from './stream-refusals.js';
import { WaitingRoom } from './waiting-room.js';

/**
 * The lease server without its surroundings: sessions, queues, leases and deadlines over a store, a clock and streams
 * that come in through ports. Does no I/O and reads no clock of its own, so that a simulator runs it as it is.
 */
export class ServerCore implements ServerCoreApi {
  readonly #ctx: CoreContext;
  readonly #parts: CoreParts;
  readonly #streams = new Set<CoreStreamHandler>();

  constructor(
    readonly settings: CoreSettings,
    ports: CorePorts,
  ) {
    const ctx = new CoreContext(settings, ports);
    const waiting = new WaitingRoom(ctx);
    const contention = new Contention(ctx, waiting, (holder) => endings.displaced(holder));
    const endings = new Endings(ctx, contention);
    const requests = new RequestFactory(ctx, {
      requestDue: (request) => requestDue(request, contention, endings),
      retryDue: (resource) => contention.retry(resource),
      tellPlacesDue: (resource) => waiting.tellPlaces(resource),
    });
    const resumption = new Resumption(ctx, contention, endings, requests);
    const extensions = new Extensions(ctx, endings, resumption);
    const sessions = new Sessions(ctx, endings, contention);
    if (ports.store.capabilities.severalServers) ports.store.listen(new OtherServers(ctx, contention));
    this.#ctx = ctx;
    this.#parts = { ctx, sessions, requests, contention, endings, extensions, resumption };
  }

  connect(stream: StreamPort): StreamHandler {
    const handler = new CoreStreamHandler(stream, this.#parts, (ended) => this.#streams.delete(ended));
    this.#streams.add(handler);
    return handler;
  }

  drain(remainingMs: number): void {
    this.#ctx.draining = true;
    for (const stream of this.#streams) stream.drain(Math.ceil(remainingMs));
  }

  openStreams(): number {
    return this.#streams.size;
  }

  endStreams(): void {
    for (const stream of [...this.#streams]) stream.end(draining());
  }

  listLeases(query: LeaseQuery): readonly ListedLease[] {
    return listLeases(this.#ctx, query);
  }

  sizes(): CoreSizes {
    let attached = 0;
    for (const session of this.#ctx.sessions.values()) if (session.attachment !== undefined) attached += 1;
    let leases = 0;
    let waiters = 0;
    for (const resource of this.#ctx.resources.values()) {
      if (resource.holder !== undefined) leases += 1;
      waiters += resource.waiters.size;
    }
    return {
      sessionsAttached: attached,
      sessionsDetached: this.#ctx.sessions.size - attached,
      leases,
      waiters,
      resources: this.#ctx.resources.size,
      timers: this.#ctx.timers.size,
    };
  }

  /** Whether the store answered when last asked. */
  storeAvailable(): boolean {
    return this.#ctx.storeAvailable;
  }
}

/** A request's deadline has come; what that means depends on where it stands. */
function requestDue(request: LeaseRequest, contention: Contention, endings: Endings): void {
  switch (request.state) {
    case 'waiting':
      contention.waitOver(request);
      return;
    case 'held':
      endings.lapse(request);
      return;
    case 'lapsed':
      endings.gone(request, 'expired');
      return;
    case 'bidding':
    case 'adopting':
    case 'unadopted':
    case 'releasing':
    case 'ended':
      return;
  }
}
