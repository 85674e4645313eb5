import type { AcquireAnswer, AcquireBid, Random, StoredHolder } from '../../../core/ports.js';
import type { Electorate } from './electorate.js';
import type { Terms } from './lease-terms.js';
import { type Actions, Motion } from './motion.js';
import { type AcquireEntry, type AcquireVote, lockValue, type NodeToken } from './redis-node.js';
import { FAR_BALLOT, refusalText } from './refusal-text.js';

/** Nobody holds it, and yet no quorum came together: others were bidding at the same time. Try again within so long. */
const CONTENDED_RETRY_MS = 20;

/** Shared by all bids: most meet nothing but accepts. */
const NOTHING: readonly never[] = [];

type HeldVote = Extract<AcquireVote, { kind: 'held' }>;
type MineVote = Extract<AcquireVote, { kind: 'mine' }>;

/** What a bid needs besides the vote. */
export interface BidTerms extends Terms {
  readonly key: string;
  readonly token: NodeToken;
  /** A ballot above it is explained by no clock: it says that the node is at fault, and not where to bid next. */
  readonly highestBallot: NodeToken;
  /** See `AcquireEntry`. */
  readonly waitingSinceUs: number;
}

export interface BidPorts {
  readonly electorate: Electorate;
  readonly actions: Actions;
  readonly random: Pick<Random, 'unit'>;
}

/**
 * One bid: one try to get a lease for one request, with one token.
 *
 * Only accepts of this very token count. What an older secret of the request has left behind is reported (`mine`) when a
 * quorum has it and deleted when not; it is never counted together with accepts.
 */
export class AcquireMotion extends Motion<'acquire'> {
  readonly entry: AcquireEntry;
  readonly ttlMs: number;
  readonly #accepted: number[] = [];
  /** Nodes that may have accepted without our knowing. */
  #silent: readonly number[] = NOTHING;
  #held: readonly HeldVote[] = NOTHING;
  #mine: readonly { readonly node: number; readonly vote: MineVote }[] = NOTHING;
  #ballots: readonly NodeToken[] = NOTHING;
  /** Refusals that are the node's fault, or its clock's. */
  #outside: readonly string[] = NOTHING;
  #reportedMine = false;

  constructor(
    private readonly ports: BidPorts,
    readonly bid: AcquireBid,
    private readonly terms: BidTerms,
    calledAtMs: number,
    private readonly answered: (answer: AcquireAnswer) => void,
    /** Bids once more with a token above the ballots that refused this one; `undefined` when this is the second bid. */
    private readonly again: ((above: NodeToken) => void) | undefined,
  ) {
    super(ports.electorate, ports.actions, calledAtMs);
    this.ttlMs = bid.grantee.ttlMs;
    this.entry = {
      key: terms.key,
      value: lockValue(bid.grantee.hash, terms.token),
      expiryMs: terms.expiryMs,
      earlierHashes: bid.earlierHashes,
      waitingSinceUs: terms.waitingSinceUs,
    };
  }

  protected inFavour(vote: AcquireVote): boolean {
    return vote.kind === 'ok';
  }

  protected noted(node: number, vote: AcquireVote): void {
    switch (vote.kind) {
      case 'ok':
        this.#accepted.push(node);
        return;
      case 'held':
        this.#held = [...this.#held, vote];
        this.#abortOwn(node, vote.value);
        return;
      case 'mine':
        this.#mine = [...this.#mine, { node, vote }];
        return;
      case 'low':
        if (vote.ballot <= this.terms.highestBallot) this.#ballots = [...this.#ballots, vote.ballot];
        else this.#outside = [...this.#outside, `${this.electorate.nodeName(node)} ${FAR_BALLOT}`];
        return;
      case 'ahead':
      case 'behind':
        this.#outside = [...this.#outside, `${this.electorate.nodeName(node)} has a clock too far from the others`];
        return;
      case 'fault':
        this.#outside = [...this.#outside, `${this.electorate.nodeName(node)} failed: ${vote.message}`];
        return;
    }
  }

  /** What another bid of this very request has left at a node is in everybody's way. */
  #abortOwn(node: number, value: string): void {
    const own = `${this.bid.grantee.hash}:`;
    if (!value.startsWith(own)) return;
    this.#abort(node, { hash: this.bid.grantee.hash, token: Number(value.slice(own.length)) });
  }

  protected override afterwards(
    node: number,
    vote: AcquireVote,
    _nodeNowUs: number,
    outcome: 'carried' | 'failed',
  ): void {
    if (vote.kind === 'mine' && !this.#reportedMine) this.#abort(node, vote);
    if (outcome === 'carried') return;
    if (vote.kind === 'ok') this.#abort(node);
  }

  protected override missed(node: number, sent: boolean, outcome: 'open' | 'carried' | 'failed'): void {
    if (!sent || outcome === 'carried') return;
    if (outcome === 'failed') this.#abort(node);
    else this.#silent = [...this.#silent, node];
  }

  protected carry(): boolean {
    // S3: a quorum that came together too late is none.
    // It would refuse every extension there.
    this.#abortMine();
    if (this.actions.nowMs() < this.terms.grantUntilMs) {
      this.answered({ kind: 'granted', token: BigInt(this.terms.token) });
      return true;
    }
    this.#abortEverywhere();
    this.answered({
      kind: 'unavailable',
      message: `the nodes took longer to answer than a lease of ${this.ttlMs} ms lasts`,
    });
    return false;
  }

  protected fail(everyoneHeard: boolean): boolean {
    const mine = this.#mineOfQuorum();
    // A quorum of an older secret's values may come together yet.
    if (mine === undefined && this.#mine.length > 0 && !everyoneHeard) return false;
    this.#abortEverywhere();
    if (mine !== undefined) {
      this.#reportedMine = true;
      this.answered({ kind: 'mine', hash: mine.hash, token: BigInt(mine.token) });
      return true;
    }
    this.#abortMine();
    if (this.again !== undefined && this.#secondBidHelps()) this.again(Math.max(...this.#ballots));
    else this.answered(this.#refusal());
    return true;
  }

  /** What older secrets have left, where no quorum has it. */
  #abortMine(): void {
    for (const { node, vote } of this.#mine) this.#abort(node, vote);
  }

  #abortEverywhere(): void {
    for (const node of this.#accepted) this.#abort(node);
    for (const node of this.#silent) this.#abort(node);
  }

  /** Deletes this bid's value at a node, or another leftover of the request. */
  #abort(
    node: number,
    value: Pick<MineVote, 'hash' | 'token'> = { hash: this.bid.grantee.hash, token: this.terms.token },
  ): void {
    const { key, leftoverUntilMs } = this.terms;
    const entry = { key, values: [lockValue(value.hash, value.token)], tombstone: value.token, waitingSinceUs: 0 };
    this.actions.cleanUp(node, entry, leftoverUntilMs);
  }

  #mineOfQuorum(): MineVote | undefined {
    const votes = this.#mine.map(({ vote }) => vote);
    return votes.find(
      ({ hash, token }) =>
        votes.filter((other) => other.hash === hash && other.token === token).length >= this.electorate.quorum,
    );
  }

  #secondBidHelps(): boolean {
    return this.#ballots.length > 0 && this.ok + this.#ballots.length >= this.electorate.quorum;
  }

  #refusal(): AcquireAnswer {
    const tolerated = this.electorate.size - this.electorate.quorum;
    const held = this.#held;
    if (held.length > tolerated) {
      const expiries = held
        .map(({ expiresInMs }) => (expiresInMs < 0 ? this.ttlMs : expiresInMs))
        .sort((a, b) => a - b);
      // When so many of them have expired that a quorum is free.
      const retryAfterMs = Math.max(1, expiries[held.length - tolerated - 1] ?? 1);
      return { kind: 'held', holder: holderOf(held), retryAfterMs };
    }
    if (this.absences.length + this.#outside.length > tolerated) {
      const message = refusalText(this.electorate, [...this.absences, ...this.#outside]);
      return { kind: 'unavailable', message };
    }
    return { kind: 'held', holder: holderOf(held), retryAfterMs: 1 + this.ports.random.unit() * CONTENDED_RETRY_MS };
  }
}

function holderOf(votes: readonly HeldVote[]): StoredHolder | undefined {
  const named = votes.find(({ holder }) => holder !== undefined)?.holder;
  return named === undefined ? undefined : { leaseId: undefined, clientName: named, heldMs: undefined };
}
