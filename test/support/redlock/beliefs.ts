import type { ExtendAnswer, Grantee, ReleaseAnswer } from '../../../server/src/core/ports.js';
import { grantee } from '../../contract/store-bids.js';
import type { Verbs } from '../../contract/verbs.js';
import { nowUs } from '../../history/events.js';
import type { History } from '../../history/history.js';
import { HistoryRecord } from '../../history/record.js';

/** As the clusters of these tests have them. */
export const CLOCK_RATE_DRIFT = 0.01;
export const CLOCK_MARGIN_MS = 5;

/** A lease in the hands of a client that believes what it may and no more: its deadline counts from its own calls. */
export class Holding {
  readonly sinceMs = performance.now();
  #deadlineMs: number;
  #endMs = Number.POSITIVE_INFINITY;
  #isForced = false;
  #keeping = false;
  #kept: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    readonly who: string,
    readonly token: bigint,
    private readonly on: Verbs,
    private readonly ttlMs: number,
    private readonly record: HistoryRecord,
    call: { readonly operation: string; readonly atMs: number },
  ) {
    this.#deadlineMs = this.#validUntilMs(call.atMs);
    const { operation } = call;
    record.add({ kind: 'grant', client: who, operation, token: String(token), deadlineUs: this.#deadlineUs });
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  get alive(): boolean {
    return performance.now() < Math.min(this.#endMs, this.#deadlineMs);
  }

  async extend(): Promise<ExtendAnswer> {
    const calledMs = performance.now();
    const answer = await this.on.extend(this.name, this.who, this.token, this.ttlMs);
    // One that came too late revives nothing.
    if (answer === 'renewed' && this.alive) {
      this.#deadlineMs = Math.max(this.#deadlineMs, this.#validUntilMs(calledMs));
      this.record.add({ kind: 'extension', ...this.#lease, deadlineUs: this.#deadlineUs });
    }
    if (answer === 'lost') {
      if (this.alive) this.record.add({ kind: 'loss', ...this.#lease, how: this.#isForced ? 'forced' : 'told' });
      this.#end();
    }
    return answer;
  }

  /** An operator takes it away, which it learns with its next extension. */
  takenAway(): void {
    this.#isForced = true;
  }

  /** Extends it again and again, as a server does, until it is over. */
  keep(): void {
    this.#keeping = true;
    this.#kept = this.#keepOn();
  }

  async release(): Promise<ReleaseAnswer> {
    this.record.add({ kind: 'release_call', ...this.#lease });
    this.#end();
    await this.#kept;
    const outcome = await this.on.releaseLease(this.name, this.who, this.token);
    this.record.add({ kind: 'release_answer', ...this.#lease, outcome });
    return outcome;
  }

  get #lease() {
    return { client: this.who, resource: this.name, token: String(this.token) };
  }

  /** In the time of the record; what is less than a microsecond is taken off. */
  get #deadlineUs(): number {
    return nowUs() + Math.floor((this.#deadlineMs - performance.now()) * 1_000);
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

/** How long the store may take to say anything at all. */
const ANSWER_SLACK_MS = 15_000;

/** All that clients did and believed in a test, for the checker. */
export class Beliefs {
  readonly #record = new HistoryRecord();
  #holdings: readonly Holding[] = [];
  #requests = 0;
  #operations = 0;

  /** A name for one more request. */
  request(): string {
    this.#requests += 1;
    return `request-${this.#requests}`;
  }

  async attempt(on: Verbs, name: string, who: string, ttlMs: number): Promise<Attempt> {
    this.#operations += 1;
    const operation = `acquire ${this.#operations}`;
    const acquire = { client: who, operation };
    this.#record.add({ kind: 'invoke', ...acquire, resource: name, waitMs: 0 });
    const atMs = performance.now();
    const to: Grantee = grantee(who, { ttlMs });
    const answer = await on.acquire(name, to);
    switch (answer.kind) {
      case 'granted': {
        const call = { operation, atMs };
        const holding = new Holding(name, who, answer.token, on, ttlMs, this.#record, call);
        this.#holdings = [...this.#holdings, holding];
        return { kind: 'granted', holding };
      }
      case 'unavailable':
        this.#record.add({ kind: 'failure', ...acquire, code: 'UNAVAILABLE' });
        return answer;
      case 'held':
      case 'mine':
        this.#record.add({ kind: 'denial', ...acquire });
        return { kind: 'held' };
    }
  }

  /** How many grants there were. */
  get grants(): number {
    return this.#holdings.length;
  }

  get alive(): readonly Holding[] {
    return this.#holdings.filter(({ alive }) => alive);
  }

  /** From now on, until `certain`, nothing may be granted (I10). */
  uncertain(fault: string, resources: readonly string[]): void {
    this.#record.add({ kind: 'fault_begins', fault, closes: { codes: ['UNAVAILABLE'], resources } });
  }

  /** A fault is over; by then these are to be granted again (I11). */
  certain(fault: string, resources: readonly string[], withinMs: number): void {
    this.#record.add({ kind: 'fault_ends', fault, recovers: { resources, withinMs } });
  }

  /** For controls, whose violations are what they are there for. Gives back what is held. */
  async forget(): Promise<void> {
    await Promise.all(this.alive.map((holding) => holding.release()));
    this.#holdings = [];
    this.#record.clear();
  }

  /** What the checker says of it up to now. */
  get judged(): History {
    return this.#record.judged({ settleSlackMs: ANSWER_SLACK_MS });
  }
}
