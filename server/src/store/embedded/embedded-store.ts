import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  Clock,
  ExtendAnswer,
  ExtendBid,
  HandOffAnswer,
  HandOffBid,
  Introduction,
  LeaseStore,
  Nomination,
  ReleaseAnswer,
  ReleaseBid,
  StoreCapabilities,
  StoredLease,
  StoreListener,
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
  readonly capabilities: StoreCapabilities = {
    resumeAfterRestart: true,
    severalServers: false,
    listsLeases: true,
    onlyNamespace: undefined,
  };
  readonly nodes = undefined;
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

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    this.#answer<AcquireBid, AcquireAnswer>(
      bids,
      answered,
      (bid) => problemOf(bid.resource, bid.grantee),
      (bid, commit) => this.#table.acquire(bid, commit),
      unavailable,
    );
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    this.#answer<ExtendBid, ExtendAnswer>(
      bids,
      answered,
      (bid) => ttlProblem(bid.ttlMs),
      (bid, commit) => this.#table.extend(bid, commit),
      () => 'unknown',
    );
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    this.#answer<HandOffBid, HandOffAnswer>(
      bids,
      answered,
      (bid) => problemOf(bid.resource, bid.to),
      (bid, commit) => this.#table.handOff(bid, commit),
      unavailable,
    );
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    this.#answer<AdoptBid, AdoptAnswer>(
      bids,
      answered,
      (bid) => problemOf(bid.resource, bid.grantee),
      (bid, commit) => this.#table.adopt(bid, commit),
      (message) => ({ kind: 'unknown', message }),
    );
  }

  /**
   * Answered from memory: the delete rides in the next commit, which comes soon by itself if nobody else needs one. A
   * crash before that brings the lease back for one time to live, with nobody who would claim it.
   */
  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    this.#tidySoon();
    this.#answer<ReleaseBid, ReleaseAnswer>(
      bids,
      answered,
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

  listen(_listener: StoreListener): void {
    // No other server shares it.
  }

  introduce(_introductions: readonly Introduction[]): void {
    // Nobody else is refused.
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

  /** Changes the table for every entry at once; then answers what is durable, and the rest after one commit. */
  #answer<Bid, Answer>(
    bids: readonly Bid[],
    answered: Answered<Answer>,
    problem: (bid: Bid) => string | undefined,
    change: (bid: Bid, commit: number) => Step<Answer>,
    refuse: (message: string) => Answer,
  ): void {
    const commit = this.#commits.next;
    // Nothing in the loop can change it: a broken guarantee ends the loop.
    const unavailableNow = this.#unavailable();
    const steps = this.#guarded(() =>
      bids.map((bid) => {
        const reason = unavailableNow ?? problem(bid);
        return reason === undefined ? change(bid, commit) : atOnce(refuse(reason));
      }),
    );
    if (steps === undefined) {
      const reason = this.#whyNot();
      for (let index = 0; index < bids.length; index += 1) answered(index, refuse(reason));
      return;
    }
    const durableBefore = this.#commits.durable;
    let last = AT_ONCE;
    steps.forEach(({ answer, durableAfter }, index) => {
      if (durableAfter <= durableBefore) answered(index, answer);
      else if (durableAfter > last) last = durableAfter;
    });
    if (last === AT_ONCE) return;
    const answerTheRest = (): void =>
      steps.forEach(({ answer, durableAfter }, index) => {
        if (durableAfter <= durableBefore) return;
        answered(index, this.#commits.isDurable(durableAfter) ? answer : refuse(this.#whyNot()));
      });
    void this.#commits.whenDurable(last).then(answerTheRest, answerTheRest);
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

  #whyNot(): string {
    return this.#unavailable() ?? 'the store has stopped';
  }

  #unavailable(): string | undefined {
    if (this.#commits.failure !== undefined) return `the store has stopped: ${this.#commits.failure.message}`;
    return this.#closing === undefined ? undefined : 'the store is closed';
  }
}

function unavailable(message: string): { readonly kind: 'unavailable'; readonly message: string } {
  return { kind: 'unavailable', message };
}
