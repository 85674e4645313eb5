import { Violation } from './dues.js';

interface Belief {
  readonly session: string;
  readonly requestId: number;
  readonly resource: string;
  untilMs: number;
}

/** Who may rely on what, by everything clients have been told: at most one at a time, with rising tokens. */
export class Beliefs {
  readonly #all = new Map<string, Belief>();
  readonly #newest = new Map<string, { readonly token: bigint; readonly session: string }>();

  granted(session: string, requestId: number, resource: string, token: bigint, untilMs: number): void {
    const newest = this.#newest.get(resource);
    if (newest !== undefined && token < newest.token) throw new Violation(`token ${token} after ${newest.token}`);
    if (newest?.token === token && newest.session !== session) throw new Violation(`token ${token} for two sessions`);
    this.#newest.set(resource, { token, session });
    this.#all.set(key(session, requestId), { session, requestId, resource, untilMs });
  }

  /** A lease was extended or adopted: its deadline never moves back. One that is over stays over. */
  raise(session: string, requestId: number, untilMs: number): void {
    const belief = this.#all.get(key(session, requestId));
    if (belief !== undefined) belief.untilMs = Math.max(belief.untilMs, untilMs);
  }

  over(session: string, requestId: number): void {
    this.#all.delete(key(session, requestId));
  }

  /** The session has nothing but what is listed. */
  keepOnly(session: string, listed: ReadonlySet<number>): void {
    for (const belief of [...this.#all.values()]) {
      if (belief.session === session && !listed.has(belief.requestId)) this.over(session, belief.requestId);
    }
  }

  /** Throws where two may rely on the same resource now. */
  check(nowMs: number): void {
    const holders = new Map<string, Belief>();
    for (const [id, belief] of [...this.#all]) {
      if (belief.untilMs <= nowMs) {
        this.#all.delete(id);
        continue;
      }
      const other = holders.get(belief.resource);
      if (other !== undefined) {
        const both = [other, belief].map(({ session, requestId }) => `request ${requestId} of ${session}`);
        throw new Violation(`${both.join(' and ')} may both rely on ${JSON.stringify(belief.resource)}`);
      }
      holders.set(belief.resource, belief);
    }
  }
}

function key(session: string, requestId: number): string {
  return `${session} ${requestId}`;
}
