import type { ExtendAnswer, Grantee, ReleaseAnswer } from '../../../server/src/core/ports.js';
import { grantee } from '../../contract/store-bids.js';
import type { Verbs } from '../../contract/verbs.js';

/** As the clusters of these tests have them. */
export const CLOCK_RATE_DRIFT = 0.01;
export const CLOCK_MARGIN_MS = 5;

/** From when until when a client believes that it holds a lock. `performance.now()`. */
export interface Belief {
  readonly who: string;
  readonly name: string;
  readonly token: bigint;
  /** When the acquire was called. */
  readonly calledMs: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A lease in the hands of a client that believes what it may and no more: its deadline counts from its own calls. */
export class Holding {
  readonly sinceMs = performance.now();
  #deadlineMs: number;
  #endMs = Number.POSITIVE_INFINITY;
  #keeping = false;
  #kept: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    readonly who: string,
    readonly token: bigint,
    private readonly on: Verbs,
    private readonly ttlMs: number,
    readonly calledMs: number,
  ) {
    this.#deadlineMs = this.#validUntilMs(calledMs);
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  get alive(): boolean {
    return performance.now() < Math.min(this.#endMs, this.#deadlineMs);
  }

  get belief(): Belief {
    const { name, who, token, calledMs, sinceMs } = this;
    return { name, who, token, calledMs, sinceMs, untilMs: Math.min(this.#endMs, this.#deadlineMs) };
  }

  async extend(): Promise<ExtendAnswer> {
    const calledMs = performance.now();
    const answer = await this.on.extend(this.name, this.who, this.token, this.ttlMs);
    // One that came too late revives nothing.
    if (answer === 'renewed' && this.alive) this.#deadlineMs = this.#validUntilMs(calledMs);
    if (answer === 'lost') this.#end();
    return answer;
  }

  /** Extends it again and again, as a server does, until it is over. */
  keep(): void {
    this.#keeping = true;
    this.#kept = this.#keepOn();
  }

  async release(): Promise<ReleaseAnswer> {
    this.#end();
    await this.#kept;
    return this.on.releaseLease(this.name, this.who, this.token);
  }

  #end(): void {
    this.#keeping = false;
    this.#endMs = Math.min(this.#endMs, performance.now());
  }

  async #keepOn(): Promise<void> {
    while (this.#keeping && this.alive) {
      await this.extend();
      // The pace of the beats, which nothing waits for.
      await new Promise((resolve) => setTimeout(resolve, this.ttlMs / 6));
    }
  }

  #validUntilMs(calledMs: number): number {
    return calledMs + this.ttlMs * (1 - CLOCK_RATE_DRIFT) - CLOCK_MARGIN_MS;
  }
}

/** What an acquire came to, for a client. */
export type Attempt =
  | { readonly kind: 'granted'; readonly holding: Holding }
  | { readonly kind: 'held' }
  | { readonly kind: 'unavailable'; readonly message: string };

/** All that clients believed in a test. */
export class Beliefs {
  #holdings: readonly Holding[] = [];
  #requests = 0;

  /** A name for one more request. */
  request(): string {
    this.#requests += 1;
    return `request-${this.#requests}`;
  }

  async attempt(on: Verbs, name: string, who: string, ttlMs: number): Promise<Attempt> {
    const calledMs = performance.now();
    const to: Grantee = grantee(who, { ttlMs });
    const answer = await on.acquire(name, to);
    switch (answer.kind) {
      case 'granted': {
        const holding = new Holding(name, who, answer.token, on, ttlMs, calledMs);
        this.#holdings = [...this.#holdings, holding];
        return { kind: 'granted', holding };
      }
      case 'unavailable':
        return answer;
      case 'held':
      case 'mine':
        return { kind: 'held' };
    }
  }

  get all(): readonly Belief[] {
    return this.#holdings.map(({ belief }) => belief);
  }

  get alive(): readonly Holding[] {
    return this.#holdings.filter(({ alive }) => alive);
  }

  /** For controls, whose violations are what they are there for. Gives back what is held. */
  async forget(): Promise<void> {
    await Promise.all(this.alive.map((holding) => holding.release()));
    this.#holdings = [];
  }

  /** What was believed by two at a time (I3), or told in the wrong order (I1); in words. */
  get violations(): readonly string[] {
    const beliefs = this.all;
    return beliefs.flatMap((first, index) =>
      beliefs.slice(index + 1).flatMap((second) => (first.name === second.name ? between(first, second) : [])),
    );
  }
}

function between(left: Belief, right: Belief): string[] {
  const [first, second] = left.sinceMs <= right.sinceMs ? [left, right] : [right, left];
  const overlapMs = Math.min(first.untilMs, second.untilMs) - second.sinceMs;
  const pair = `${first.name}: ${first.who} with ${first.token}, then ${second.who} with ${second.token}`;
  return [
    ...(overlapMs > 0 ? [`I3: ${pair}: both for ${overlapMs.toFixed(3)} ms`] : []),
    ...(second.calledMs > first.sinceMs && second.token <= first.token ? [`I1: ${pair}: the token does not rise`] : []),
    ...(second.token === first.token ? [`I1: ${pair}: the token is not unique`] : []),
  ];
}
