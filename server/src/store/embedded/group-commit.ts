import { invariant } from '../../core/invariant.js';
import type { Clock } from '../../core/ports.js';
import type { CommitLog, LogBatch } from './commit-log.js';

/** What one commit carried. */
export interface CommitStats {
  /** Grants, hand-offs and adoptions made in memory since the commit before. */
  readonly grants: number;
  /** Resources written or deleted. */
  readonly resources: number;
  readonly tookMs: number;
}

/** Everything that changed since it was last taken, and how many grants that includes. */
export interface Drained {
  readonly batch: LogBatch;
  readonly grants: number;
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

type State =
  /** Nothing is being written and nobody waits for it. */
  | { readonly kind: 'idle' }
  /** A commit starts at the end of the present microtask queue, so that one turn's calls share it. */
  | { readonly kind: 'scheduled' }
  | { readonly kind: 'committing'; readonly settled: Promise<void> }
  /** A commit failed. After a failed fsync nobody knows what the disk holds, so nothing is tried again. */
  | { readonly kind: 'stopped'; readonly error: Error };

export interface GroupCommitOptions {
  readonly log: CommitLog;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly drain: () => Drained | undefined;
  readonly onCommit: (stats: CommitStats) => void;
  /** Called once, at the first failure. */
  readonly onFailure: (error: Error) => void;
}

/**
 * One commit at a time: what changes while one is under way rides in the next, which starts when the first is done.
 * Commits are numbered from 1; a change made now is durable after commit `next`.
 */
export class GroupCommit {
  #state: State = { kind: 'idle' };
  #started = 0;
  #durable = 0;
  #inFlight: Deferred | undefined;
  #upcoming: Deferred | undefined;
  #upcomingWanted = false;

  constructor(private readonly options: GroupCommitOptions) {}

  /** The number of the commit that carries what is changed now. */
  get next(): number {
    return this.#started + 1;
  }

  /** Why nothing can be committed any more; `undefined` while all is well. */
  get failure(): Error | undefined {
    return this.#state.kind === 'stopped' ? this.#state.error : undefined;
  }

  /** The number of the last commit that is durable. */
  get durable(): number {
    return this.#durable;
  }

  isDurable(commit: number): boolean {
    return commit <= this.#durable;
  }

  /** Resolves when that commit is durable, starting it if need be; rejects when the log has failed. */
  whenDurable(commit: number): Promise<void> {
    if (this.isDurable(commit)) return Promise.resolve();
    if (this.#state.kind === 'stopped') return Promise.reject(this.#state.error);
    if (commit === this.#started) {
      this.#inFlight ??= deferred();
      return this.#inFlight.promise;
    }
    this.#upcoming ??= deferred();
    this.want();
    return this.#upcoming.promise;
  }

  /** Has what changed so far committed soon, without waiting for it. */
  want(): void {
    this.#upcomingWanted = true;
    if (this.#state.kind !== 'idle') return;
    this.#state = { kind: 'scheduled' };
    queueMicrotask(() => this.#start());
  }

  /** Stops for good: whoever waits is rejected, and nothing is written any more. */
  stop(error: Error): void {
    if (this.#state.kind === 'stopped') return;
    this.#state = { kind: 'stopped', error };
    this.#inFlight?.reject(error);
    this.#upcoming?.reject(error);
    this.#inFlight = undefined;
    this.#upcoming = undefined;
    this.options.onFailure(error);
  }

  /** Commits whatever is left. Resolves when nothing is under way any more, also after a failure. */
  async flush(): Promise<void> {
    this.want();
    while (this.#state.kind === 'scheduled' || this.#state.kind === 'committing') {
      await (this.#state.kind === 'committing' ? this.#state.settled : Promise.resolve());
    }
  }

  #start(): void {
    if (this.#state.kind === 'stopped') return;
    const drained = this.#upcomingWanted ? this.options.drain() : undefined;
    this.#upcomingWanted = false;
    if (drained === undefined) {
      invariant(this.#upcoming === undefined, 'S6', 'an answer waits for a commit that has nothing to write');
      this.#state = { kind: 'idle' };
      return;
    }
    this.#started += 1;
    this.#inFlight = this.#upcoming;
    this.#upcoming = undefined;
    this.#state = { kind: 'committing', settled: this.#commit(drained) };
  }

  async #commit({ batch, grants }: Drained): Promise<void> {
    const startedAtMs = this.options.clock.nowMs();
    try {
      await this.options.log.append(batch);
    } catch (error) {
      this.stop(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#state.kind === 'stopped') return;
    this.#durable = this.#started;
    this.#inFlight?.resolve();
    this.#inFlight = undefined;
    const tookMs = this.options.clock.nowMs() - startedAtMs;
    this.options.onCommit({ grants, resources: batch.changes.length, tookMs });
    this.#start();
  }
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
