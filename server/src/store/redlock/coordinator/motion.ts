import { invariant } from '../../../core/invariant.js';
import type { Electorate } from './electorate.js';
import { standing } from './quorum.js';
import type { BatchVerb, BatchVerbs, NodeFault, ReleaseEntry, RepairEntry } from './redis-node.js';

/** What a motion can have done at single nodes, besides the vote. */
export interface Actions {
  nowMs(): number;
  /** Deletes a leftover at one node, now or when it can be told, and no later than it expires by itself. */
  cleanUp(node: number, entry: ReleaseEntry, untilMs: number): void;
  /** Puts a lease back at one node. */
  repair(node: number, entry: RepairEntry): void;
}

/** Why a node has not voted for a motion. */
export type Absence = Pick<NodeFault, 'kind' | 'message'>;

/** Shared by all motions: most have no absences. */
const NONE: readonly string[] = [];

/**
 * One entry of a round: the question put to the nodes for one lease, and their votes so far.
 *
 * It is decided once: carried by a quorum, or failed as soon as no quorum can be reached. Votes that come later change
 * nothing about that, but may leave something to clean up.
 */
export abstract class Motion<V extends BatchVerb> {
  /** The nodes' answers in favour, and all others. */
  protected ok = 0;
  protected against = 0;
  #state: 'open' | 'carried' | 'failed' = 'open';
  #absences: readonly string[] = NONE;

  abstract readonly entry: BatchVerbs[V]['entry'];
  abstract readonly ttlMs: number;

  constructor(
    protected readonly electorate: Electorate,
    protected readonly actions: Actions,
    /** t0: the server's clock when the store was called. */
    readonly calledAtMs: number,
  ) {}

  get decided(): boolean {
    return this.#state !== 'open';
  }

  /** A node's vote, in time or late. `nodeNowUs` is the node's time when it gave it. */
  vote(node: number, vote: BatchVerbs[V]['vote'], nodeNowUs: number, late: boolean): void {
    if (this.#state !== 'open') {
      this.afterwards(node, vote, nodeNowUs, this.#state);
      return;
    }
    // The deadline accounts for every node, and so decides every motion.
    invariant(!late, 'S1', () => `a vote of ${this.electorate.nodeName(node)} came late for an open motion`);
    if (this.inFavour(vote)) this.ok += 1;
    else this.against += 1;
    this.noted(node, vote, nodeNowUs);
    this.#settle();
  }

  /** A node has not voted. `sent`: it may have received the question all the same. */
  absent(node: number, absence: Absence, sent: boolean, late: boolean): void {
    if (!late && this.#state === 'open') {
      this.against += 1;
      this.#absences = [...this.#absences, `${this.electorate.nodeName(node)} ${absence.message}`];
    }
    this.missed(node, sent, this.#state);
    this.#settle();
  }

  /** Whether the vote helps the motion. */
  protected abstract inFavour(vote: BatchVerbs[V]['vote']): boolean;
  /** A vote has been counted; nothing is decided by it yet. */
  protected abstract noted(node: number, vote: BatchVerbs[V]['vote'], nodeNowUs: number): void;
  /** A vote has come after the decision. */
  protected afterwards(
    _node: number,
    _vote: BatchVerbs[V]['vote'],
    _nodeNowUs: number,
    _outcome: 'carried' | 'failed',
  ): void {
    // Nothing to clean up, unless a motion says so.
  }

  /** A node has said nothing; if it was `sent` the question, it may have done what was asked, or do it later. */
  protected missed(_node: number, _sent: boolean, _outcome: 'open' | 'carried' | 'failed'): void {
    // Nothing to clean up, unless a motion says so.
  }

  /** A quorum is in favour. False when that came too late: then it has failed. */
  protected abstract carry(): boolean;
  /** No quorum can be reached any more. False to wait for what the other nodes say. */
  protected abstract fail(everyoneHeard: boolean): boolean;

  /** Why nodes have not voted, one phrase for each: "redis-4 timed out after 300 ms". */
  protected get absences(): readonly string[] {
    return this.#absences;
  }

  #settle(): void {
    if (this.#state !== 'open') return;
    const { size } = this.electorate;
    switch (standing(this.ok, this.against, size)) {
      case 'won':
        this.#state = this.carry() ? 'carried' : 'failed';
        return;
      case 'lost':
        if (this.fail(this.ok + this.against === size)) this.#state = 'failed';
        return;
      case 'open':
        return;
    }
  }
}
