import type { Grantee } from '../../server/src/core/ports.js';
import { grantee } from '../contract/store-bids.js';
import type { VirtualClock } from '../support/virtual-clock.js';

export const TTLS_MS = [100, 150, 400];

/**
 * One request of an honest client. It believes from being told a grant until the deadline it was told or until it says
 * Release, whichever is first.
 */
export interface Request {
  readonly id: string;
  ttlMs: number;
  secrets: string[];
  state: 'open' | 'asked' | 'told' | 'done';
  token: bigint;
  deadlineMs: number;
  /** False after a crash, until adopted or asked for again. */
  attached: boolean;
}

/** Every request of a run, by what may become of it next. */
export class Requests {
  readonly #all: Request[] = [];

  constructor(private readonly clock: VirtualClock) {}

  get all(): readonly Request[] {
    return this.#all;
  }

  make(state: 'asked' | 'open', pick: number): Request {
    const id = `q${this.#all.length + 1}`;
    const ttlMs = ttlOf(pick);
    const request: Request = { id, ttlMs, secrets: [id], state, token: 0n, deadlineMs: 0, attached: true };
    this.#all.push(request);
    return request;
  }

  grantee(request: Request): Grantee {
    return grantee(request.id, { secret: request.secrets.at(-1) ?? request.id, ttlMs: request.ttlMs });
  }

  /** Requests that hold, by the deadline they were told, and are known to the server's present life. */
  believing(): Request[] {
    return this.believers().filter(({ attached }) => attached);
  }

  believers(): Request[] {
    return this.#all.filter(({ state, deadlineMs }) => state === 'told' && this.clock.nowMs() < deadlineMs);
  }

  waiting(): Request[] {
    return this.#all.filter(({ state, attached }) => state === 'open' && attached);
  }

  /** After a crash: what a client would list when it comes back, with the newest releases, whose answers may be lost. */
  detached(): Request[] {
    const detached = this.#all.filter(({ attached }) => !attached);
    const released = detached.filter(({ state, token }) => state === 'done' && token > 0n);
    return [...detached.filter(({ state }) => state !== 'done'), ...released.slice(-2)];
  }

  unanswered(): Request[] {
    return this.#all.filter(({ state, attached }) => (state === 'open' || state === 'asked') && attached);
  }
}

export function ttlOf(pick: number): number {
  return TTLS_MS[pick % TTLS_MS.length] ?? 100;
}
