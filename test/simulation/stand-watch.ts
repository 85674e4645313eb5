import type { LockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import type { Grant } from '../history/history.js';

/** What was rounded on the way from one clock to another. */
const ROUNDED_MS = 0.001;

export interface StandWatchPorts {
  readonly quorum: number;
  nowMs(): number;
  violated(guarantee: string, what: string, resource: string): void;
}

/** One token of one resource: when its lock ends at each node, if nothing is done to it before. */
interface Stand {
  readonly untilMs: Map<string, number>;
}

/**
 * Compares what clients have been told with what nodes have been told: whoever relies on a lease relies on it no longer than a
 * quorum of nodes were asked to let its lock stand (S3), whatever the rates of the clocks that each of them goes by.
 *
 * What nodes have lost since does not matter, so that this holds with any fault but a clock that is worse than allowed. That a
 * quorum of processes had the lock, whatever the names they go by, holds with that one, too (I10).
 */
export class StandWatch {
  readonly #stands = new Map<string, Stand>();
  readonly #toldMs = new WeakMap<Grant, number>();

  constructor(private readonly ports: StandWatchPorts) {}

  /** A node has this value, for so long by true time. */
  stands(node: string, key: string, value: LockValue, forMs: number): void {
    const about = `${key.slice(key.lastIndexOf(':') + 1)} ${value.slice(value.lastIndexOf(':') + 1)}`;
    const known = this.#stands.get(about);
    const stand = known ?? { untilMs: new Map<string, number>() };
    if (known === undefined) this.#stands.set(about, stand);
    const untilMs = this.ports.nowMs() + forMs;
    stand.untilMs.set(node, Math.max(stand.untilMs.get(node) ?? 0, untilMs));
  }

  /** Somebody relies on this grant, for so long by true time; without a figure, nobody can tell for how long. */
  believed(resource: string, grant: Grant, forMs: number | undefined): void {
    if (forMs === undefined) {
      if (!this.#toldMs.has(grant)) this.#voted(resource, grant);
      this.#toldMs.set(grant, Number.POSITIVE_INFINITY);
      return;
    }
    const believedMs = this.ports.nowMs() + forMs;
    const before = this.#toldMs.get(grant);
    if (forMs <= 0 || (before !== undefined && believedMs <= before + ROUNDED_MS)) return;
    this.#toldMs.set(grant, believedMs);
    const ends = this.#voted(resource, grant).sort((a, b) => b - a);
    const standsMs = ends[this.ports.quorum - 1] ?? Number.NEGATIVE_INFINITY;
    if (standsMs >= believedMs - ROUNDED_MS) return;
    const what = `${resource} with token ${grant.token} is relied on for ${(believedMs - standsMs).toFixed(3)} ms longer`;
    this.ports.violated('S3', `${what} than a quorum of nodes let it stand`, resource);
  }

  /** Of each node that ever had it, until when it stands there. Nobody is granted what a quorum has not accepted (I10). */
  #voted(resource: string, { token }: Grant): number[] {
    const ends = [...(this.#stands.get(`${resource} ${token}`)?.untilMs.values() ?? [])];
    const { quorum } = this.ports;
    if (ends.length < quorum) {
      const what = `${resource} was granted with token ${token} on the votes of ${ends.length} nodes`;
      this.ports.violated('I10', `${what}, where a quorum is ${quorum}`, resource);
    }
    return ends;
  }
}
