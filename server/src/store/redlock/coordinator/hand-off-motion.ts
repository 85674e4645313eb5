import type { HandOffAnswer } from '../../../core/ports.js';
import type { Electorate } from './electorate.js';
import type { Terms } from './lease-terms.js';
import { type Actions, Motion } from './motion.js';
import type { HandOffEntry, HandOffVote, LockValue, NodeToken } from './redis-node.js';
import { FAR_BALLOT, refusalText } from './refusal-text.js';

export interface HandOffTerms extends Omit<Terms, 'expiryMs'> {
  readonly ttlMs: number;
  readonly oldToken: NodeToken;
  readonly newToken: NodeToken;
  /** As in `BidTerms`. */
  readonly highestBallot: NodeToken;
}

export interface HandOffPorts {
  readonly electorate: Electorate;
  readonly actions: Actions;
  readonly answered: (answer: HandOffAnswer) => void;
  /** Bids for the resource in the ordinary way, with a token above the ballots that refused this one. */
  readonly bidInstead: (above: NodeToken) => void;
}

/**
 * One resource that goes from its holder, who has given it back, to the next in one step. Whatever comes of it, the old
 * holder's value is deleted wherever it was not swapped.
 */
export class HandOffMotion extends Motion<'hand_off'> {
  readonly ttlMs: number;
  /** Nodes that have not said that they made the swap. */
  #unswapped: readonly number[] = NOTHING;
  #ballots: readonly NodeToken[] = NOTHING;
  #refusals: readonly string[] = NOTHING;
  #held = 0;
  #swapped = 0;
  #wanted = false;

  constructor(
    private readonly ports: HandOffPorts,
    readonly entry: HandOffEntry,
    private readonly terms: HandOffTerms,
    calledAtMs: number,
  ) {
    super(ports.electorate, ports.actions, calledAtMs);
    this.ttlMs = terms.ttlMs;
  }

  protected inFavour(vote: HandOffVote): boolean {
    return vote.kind === 'ok';
  }

  protected noted(node: number, vote: HandOffVote): void {
    if (vote.kind === 'ok') {
      if (vote.how === 'swapped') this.#swapped += 1;
      if (vote.wanted) this.#wanted = true;
      return;
    }
    this.#unswapped = [...this.#unswapped, node];
    if (vote.kind === 'held') this.#held += 1;
    else if (vote.kind !== 'low') this.#refuse(node, 'refused the token');
    else if (vote.ballot <= this.terms.highestBallot) this.#ballots = [...this.#ballots, vote.ballot];
    else this.#refuse(node, FAR_BALLOT);
  }

  #refuse(node: number, why: string): void {
    this.#refusals = [...this.#refusals, `${this.electorate.nodeName(node)} ${why}`];
  }

  protected override afterwards(
    node: number,
    vote: HandOffVote,
    _nodeNowUs: number,
    outcome: 'carried' | 'failed',
  ): void {
    if (vote.kind !== 'ok') this.#releaseOld(node);
    else if (outcome === 'failed') this.#abortNew(node);
  }

  protected override missed(node: number, sent: boolean, outcome: 'open' | 'carried' | 'failed'): void {
    if (outcome === 'open') {
      this.#unswapped = [...this.#unswapped, node];
      return;
    }
    this.#releaseOld(node);
    if (outcome === 'failed' && sent) this.#abortNew(node);
  }

  protected carry(): boolean {
    if (this.actions.nowMs() >= this.terms.grantUntilMs) {
      this.#deleteBoth();
      const message = `the nodes took longer to answer than a lease of ${this.ttlMs} ms lasts`;
      this.ports.answered({ kind: 'unavailable', message });
      return false;
    }
    for (const node of this.#unswapped) this.#releaseOld(node);
    const previous = this.#swapped > 0 ? 'released' : 'gone';
    const token = BigInt(this.terms.newToken);
    this.ports.answered({ kind: 'granted', token, previous, wanted: this.#wanted });
    return true;
  }

  protected fail(): boolean {
    this.#deleteBoth();
    const { size, quorum } = this.electorate;
    if (this.#held > size - quorum) this.ports.answered({ kind: 'lost' });
    else if (this.#ballots.length > 0 && this.ok + this.#ballots.length >= quorum)
      this.ports.bidInstead(Math.max(...this.#ballots));
    else {
      const message = refusalText(this.electorate, [...this.absences, ...this.#refusals]);
      this.ports.answered({ kind: 'unavailable', message });
    }
    return true;
  }

  /** Everywhere, also where nobody has answered yet: the old holder has let go, and the next has nothing. */
  #deleteBoth(): void {
    for (let node = 0; node < this.electorate.size; node += 1) {
      this.#releaseOld(node);
      this.#abortNew(node);
    }
  }

  #releaseOld(node: number): void {
    this.#delete(node, this.entry.from, this.terms.oldToken);
  }

  #abortNew(node: number): void {
    this.#delete(node, [this.entry.value], this.terms.newToken);
  }

  #delete(node: number, values: readonly LockValue[], tombstone: NodeToken): void {
    const entry = { key: this.entry.key, values, tombstone, waitingSinceUs: 0 };
    this.actions.cleanUp(node, entry, this.terms.leftoverUntilMs);
  }
}

const NOTHING: readonly never[] = [];
