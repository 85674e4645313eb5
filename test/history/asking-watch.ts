import { type ResourceKey, resourceKey, type SessionId } from '../../server/src/core/names.js';
import type { LeaseStore } from '../../server/src/core/ports.js';
import { AskedStore, type Told } from './asked-store.js';
import type { QueueWatch, WatchedServer } from './queue-watch.js';

/** 200 ms at most lie between a refusal, or leaving others their turn, and the next call: by a clock that may be wrong. */
const LONGEST_PAUSE_MS = 250;
/** How much longer a store is left alone that could not answer. */
const LEFT_ALONE_MS = 300;
/** What a server counts by its own clock, and from a moment before. */
const LONGER = 1.1;

/** What a server knows of a resource, by what its store has told it. */
interface Known {
  /** Under way. */
  calls: number;
  /** The last moment at which there was a reason not to ask. */
  reasonMs: number;
  /** To whom the store has granted it here. */
  holder: { readonly sessionId: SessionId; readonly token: bigint; untilMs: number } | undefined;
}

/** One life of a server. */
interface Life {
  readonly hasNeighbours: boolean;
  readonly known: Map<ResourceKey, Known>;
}

export interface AskingWatchPorts {
  nowMs(): number;
  violated(guarantee: string, what: string, resource: string): void;
}

/**
 * Stands between the cores of servers and their stores, and sees whether a server asks for what its clients wait for (L1): while
 * somebody whose client is there waits, and nobody here holds it as far as the store has said, it asks again and again. Where
 * there are other servers, a holder without a stream here may have left, and released there: that is no reason not to ask.
 *
 * What the store answers does not matter, so that this holds with any fault but those that keep the server itself from going on.
 */
export class AskingWatch {
  readonly #lives = new Map<string, Life>();

  constructor(
    private readonly queues: Pick<QueueWatch, 'isThere' | 'awayForMs' | 'waitedFor'>,
    private readonly ports: AskingWatchPorts,
  ) {}

  /** A server begins a life with this store: what its core is to call in its place. */
  begins(server: string, store: LeaseStore): LeaseStore {
    const life: Life = { hasNeighbours: store.capabilities.severalServers, known: new Map() };
    this.#lives.set(server, life);
    return new AskedStore(store, {
      called: (resource) => {
        this.#known(life, resource).calls += 1;
      },
      answered: (resource, told) => {
        const known = this.#known(life, resource);
        known.calls -= 1;
        this.#hasReason(known);
        this.#note(life, known, told);
      },
      noted: (resource, told) => this.#note(life, this.#known(life, resource), told),
    });
  }

  /** To be called every `slackMs` or more often. `goesOn`: the server is there, and does not stand still. */
  look(server: WatchedServer, goesOn: boolean, slackMs: number): void {
    const life = this.#lives.get(server.name);
    if (life === undefined) return;
    if (!goesOn) {
      // Perhaps its clock stands still as well, and what it granted ends later.
      for (const known of life.known.values()) {
        this.#hasReason(known, LEFT_ALONE_MS);
        if (known.holder !== undefined) known.holder.untilMs += slackMs;
      }
      return;
    }
    const nowMs = this.ports.nowMs();
    for (const { resource, sinceMs } of this.queues.waitedFor(server)) {
      const known = this.#known(life, resourceKey('default', resource));
      if (known.calls > 0 || this.#isHeld(server, life, known)) this.#hasReason(known);
      // Its holder may have come and gone since the last look: the pause begins when it goes.
      else if (known.holder !== undefined)
        this.#hasReason(known, -this.queues.awayForMs(server, known.holder.sessionId));
      const idleMs = nowMs - Math.max(known.reasonMs, sinceMs);
      if (idleMs <= LONGEST_PAUSE_MS + slackMs) continue;
      const what = `${server.name} has not asked for ${resource} for ${idleMs.toFixed()} ms`;
      this.ports.violated('L1', `${what}, though somebody who is there waits and nobody there holds it`, resource);
      this.#hasReason(known);
    }
  }

  #isHeld({ name }: WatchedServer, { hasNeighbours }: Life, { holder }: Known): boolean {
    if (holder === undefined || holder.untilMs < this.ports.nowMs()) return false;
    return !hasNeighbours || this.queues.isThere(name, holder.sessionId);
  }

  #hasReason(known: Known, forMs = 0): void {
    known.reasonMs = Math.max(known.reasonMs, this.ports.nowMs() + forMs);
  }

  #known({ known }: Life, resource: ResourceKey): Known {
    const found = known.get(resource);
    if (found !== undefined) return found;
    const fresh: Known = { calls: 0, reasonMs: this.ports.nowMs(), holder: undefined };
    known.set(resource, fresh);
    return fresh;
  }

  #note({ hasNeighbours }: Life, known: Known, told: Told): void {
    const { holder } = known;
    switch (told.kind) {
      case 'granted': {
        const { sessionId, ttlMs } = told.grantee;
        known.holder = { sessionId, token: told.token, untilMs: this.ports.nowMs() + LONGER * ttlMs };
        return;
      }
      case 'renewed':
        if (holder?.token === told.token) holder.untilMs = this.ports.nowMs() + LONGER * told.ttlMs;
        return;
      case 'over':
        if (holder?.token === told.token) known.holder = undefined;
        if (told.isUnknown) this.#hasReason(known, LEFT_ALONE_MS);
        return;
      case 'unknown':
        this.#hasReason(known, LEFT_ALONE_MS);
        return;
      case 'held elsewhere':
        // The only server knows all there is to know.
        if (!hasNeighbours) this.#hasReason(known, told.retryAfterMs);
        return;
      case 'nothing':
        return;
    }
  }
}
