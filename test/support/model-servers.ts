import type { ResourceKey } from '../../server/src/core/names.js';
import type { StoreListener } from '../../server/src/core/store-port.js';

/** How long a want counts after it was last said. */
const WANT_MS = 1_000;

/** What one server's store knows of its being heard. */
export interface ModelServer {
  listener: StoreListener | undefined;
}

/** The servers on one model store: who wants what, and who is told. */
export class ModelServers {
  /** When false, nobody hears anything, as hints may all be lost. */
  hints = true;
  readonly #servers: ModelServer[] = [];
  /** When each server last said that it wants a resource. */
  readonly #wants = new Map<ResourceKey, Map<ModelServer, number>>();

  constructor(private readonly nowMs: () => number) {}

  get several(): boolean {
    return this.#servers.length > 1;
  }

  join(server: ModelServer): void {
    this.#servers.push(server);
  }

  /** A server was refused, and somebody waits there. */
  want(resource: ResourceKey, server: ModelServer): void {
    this.note(resource, server);
    if (this.hints) this.#tell(server, (listener) => listener.wanted(resource));
  }

  /** A server wants a resource, and nobody has to be told. */
  note(resource: ResourceKey, server: ModelServer): void {
    const wants = this.#wants.get(resource) ?? new Map<ModelServer, number>();
    this.#wants.set(resource, wants.set(server, this.nowMs()));
  }

  granted(resource: ResourceKey, server: ModelServer): void {
    this.#wants.get(resource)?.delete(server);
  }

  /** Whether a server other than this one wants the resource. */
  wanted(resource: ResourceKey, server: ModelServer): boolean {
    const since = this.nowMs() - WANT_MS;
    return [...(this.#wants.get(resource) ?? [])].some(([other, saidAtMs]) => other !== server && saidAtMs >= since);
  }

  released(resource: ResourceKey, server: ModelServer): void {
    if (this.hints) this.#tell(server, (listener) => listener.released(resource));
  }

  #tell(from: ModelServer, say: (listener: StoreListener) => void): void {
    for (const { listener } of this.#servers.filter((server) => server !== from)) {
      if (listener !== undefined) void Promise.resolve().then(() => say(listener));
    }
  }
}
