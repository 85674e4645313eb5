import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Clock,
  ExtendAnswer,
  ExtendBid,
  HandOffAnswer,
  HandOffBid,
  LeaseStore,
  Nomination,
  ReleaseAnswer,
  ReleaseBid,
  StoreCapabilities,
  StoredLease,
  Timer,
} from '../../core/ports.js';
import { problemOf, ttlProblem } from './bid-limits.js';
import type { CommitLog } from './commit-log.js';
import type { ExpiryRule } from './expiry-rule.js';
import { type CommitStats, GroupCommit } from './group-commit.js';
import { LeaseTable } from './lease-table.js';
import { AT_ONCE, atOnce, type Step } from './step.js';

/** How long a release may stay unwritten: long enough for the next grant to take it along. */
const TIDY_AFTER_MS = 50;

export interface EmbeddedStoreOptions extends ExpiryRule {
  readonly clock: Pick<Clock, 'nowMs' | 'wallMs' | 'after'>;
  readonly log: CommitLog;
  /**
   * Called once when a commit has failed or a guarantee was about to break. Nothing is granted, extended or released
   * any more, and only a new process can find out what the disk holds: exit.
   */
  readonly onFailure: (error: Error) => void;
  /** Called after every commit. */
  readonly onCommit?: (stats: CommitStats) => void;
  /** Lets go of whatever the log needs besides itself, after the log was closed. */
  readonly onClosed?: () => Promise<void>;
}

/** Leases of one server, in memory, with a log on its own disk. Open one with `openEmbeddedStore`. */
export class EmbeddedStore implements LeaseStore {
  readonly name = 'embedded';
  readonly capabilities: StoreCapabilities = { resumeAfterRestart: true, severalServers: false, listsLeases: true };
  readonly #table: LeaseTable;
  readonly #commits: GroupCommit;
  #closing: Promise<void> | undefined;
  /** Pending: a release waits to be written. */
  #tidy: Timer | undefined;

  /** Reads the log: every lease in it gets one full time to live from now. */
  constructor(private readonly options: EmbeddedStoreOptions) {
    const { clock, log, onCommit = () => undefined, onFailure } = options;
    this.#table = new LeaseTable(clock, options, log.contents());
    this.#commits = new GroupCommit({ log, clock, onCommit, onFailure, drain: () => this.#table.drain() });
  }

  acquire(bids: readonly AcquireBid[]): Promise<readonly AcquireAnswer[]> {
    return this.#answer<AcquireBid, AcquireAnswer>(
      bids,
      (bid) => problemOf(bid.resource, bid.grantee),
      (bid, commit) => this.#table.acquire(bid, commit),
      unavailable,
    );
  }

  extend(bids: readonly ExtendBid[]): Promise<readonly ExtendAnswer[]> {
    return this.#answer<ExtendBid, ExtendAnswer>(
      bids,
      (bid) => ttlProblem(bid.ttlMs),
      (bid, commit) => this.#table.extend(bid, commit),
      () => 'unknown',
    );
  }

  handOff(bids: readonly HandOffBid[]): Promise<readonly HandOffAnswer[]> {
    return this.#answer<HandOffBid, HandOffAnswer>(
      bids,
      (bid) => problemOf(bid.resource, bid.to),
      (bid, commit) => this.#table.handOff(bid, commit),
      unavailable,
    );
  }

  adopt(bids: readonly AdoptBid[]): Promise<readonly AdoptAnswer[]> {
    return this.#answer<AdoptBid, AdoptAnswer>(
      bids,
      (bid) => problemOf(bid.resource, bid.grantee),
      (bid, commit) => this.#table.adopt(bid, commit),
      (message) => ({ kind: 'unknown', message }),
    );
  }

  /**
   * Answered from memory: the delete rides in the next commit, which comes soon by itself if nobody else needs one. A
   * crash before that brings the lease back for one time to live, with nobody who would claim it.
   */
  release(bids: readonly ReleaseBid[]): Promise<readonly ReleaseAnswer[]> {
    this.#tidySoon();
    return this.#answer<ReleaseBid, ReleaseAnswer>(
      bids,
      () => undefined,
      (bid) => atOnce(this.#table.release(bid)),
      () => 'unknown',
    );
  }

  nominate(nominations: readonly Nomination[]): void {
    if (this.#unavailable() !== undefined) return;
    this.#guarded(() => {
      const commit = this.#commits.next;
      const acceptable = nominations.filter(({ resource, to }) => problemOf(resource, to) === undefined);
      const written = acceptable.filter((nomination) => this.#table.nominate(nomination, commit));
      if (written.length > 0) this.#commits.want();
    });
  }

  withdraw(nominations: readonly Nomination[]): void {
    if (this.#unavailable() !== undefined) return;
    const written = nominations.filter((nomination) => this.#table.withdraw(nomination));
    if (written.length > 0) this.#tidySoon();
  }

  storedLeases(): Iterable<StoredLease> {
    return this.#table.storedLeases();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#tidy?.cancel();
    await this.#commits.flush();
    await this.options.log.close();
    await this.options.onClosed?.();
  }

  /** Changes the table for every entry at once, then waits for what has to be durable, once for all of them. */
  async #answer<Bid, Answer>(
    bids: readonly Bid[],
    problem: (bid: Bid) => string | undefined,
    change: (bid: Bid, commit: number) => Step<Answer>,
    refuse: (message: string) => Answer,
  ): Promise<readonly Answer[]> {
    const commit = this.#commits.next;
    // Nothing in the loop can change it: a broken guarantee ends the loop.
    const unavailableNow = this.#unavailable();
    const steps = this.#guarded(() =>
      bids.map((bid) => {
        const reason = unavailableNow ?? problem(bid);
        return reason === undefined ? change(bid, commit) : atOnce(refuse(reason));
      }),
    );
    if (steps === undefined) return bids.map(() => refuse(this.#unavailable() ?? 'the store has stopped'));
    let last = AT_ONCE;
    for (const { durableAfter } of steps) if (durableAfter > last) last = durableAfter;
    try {
      if (!this.#commits.isDurable(last)) await this.#commits.whenDurable(last);
    } catch {
      const reason = this.#unavailable() ?? 'the store has stopped';
      return steps.map((step) => (this.#commits.isDurable(step.durableAfter) ? step.answer : refuse(reason)));
    }
    return steps.map(({ answer }) => answer);
  }

  /** Has what nobody waits for written before long. */
  #tidySoon(): void {
    if (this.#unavailable() !== undefined) return;
    this.#tidy ??= this.options.clock.after(TIDY_AFTER_MS, () => {
      this.#tidy = undefined;
      this.#commits.want();
    });
  }

  /** A violated guarantee stops the store as a failed commit does. */
  #guarded<T>(change: () => T): T | undefined {
    try {
      return change();
    } catch (error) {
      this.#commits.stop(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  #unavailable(): string | undefined {
    if (this.#commits.failure !== undefined) return `the store has stopped: ${this.#commits.failure.message}`;
    return this.#closing === undefined ? undefined : 'the store is closed';
  }
}

function unavailable(message: string): { readonly kind: 'unavailable'; readonly message: string } {
  return { kind: 'unavailable', message };
}
