import type {
  AcquireAnswer,
  AcquireBid,
  Answered,
  HandOffAnswer,
  HandOffBid,
  ReleaseAnswer,
  ReleaseBid,
} from '../../../core/ports.js';
import { AcquireMotion, type BidTerms } from './acquire-motion.js';
import type { CoordinatorContext } from './coordinator-context.js';
import { HandOffMotion } from './hand-off-motion.js';
import { ttlProblem } from './lease-terms.js';
import { lockValue, type NodeToken } from './redis-node.js';
import { TokenSource } from './token-source.js';

/** What takes a resource: bids and hand-offs, each with a token of its own. */
export class Bidding {
  readonly #tokens: TokenSource;

  constructor(
    private readonly ctx: CoordinatorContext,
    /** Gives back what could not be handed on. */
    private readonly release: (bid: ReleaseBid, answered: (answer: ReleaseAnswer) => void) => void,
  ) {
    this.#tokens = new TokenSource(ctx.settings.windowMs);
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    const { electorate } = this.ctx;
    const medianUs = electorate.medianUs();
    const obstacle = electorate.obstacle() ?? (medianUs === undefined ? 'no node has told its time yet' : undefined);
    const motions: AcquireMotion[] = [];
    bids.forEach((bid, index) => {
      const key = this.ctx.keys.keyOf(bid.resource);
      const problem = obstacle ?? ttlProblem(bid.grantee.ttlMs) ?? this.ctx.keys.problemOf(bid.resource, key);
      if (problem !== undefined) answered(index, { kind: 'unavailable', message: problem });
      else motions.push(this.#bid(bid, key, medianUs ?? 0, (answer) => answered(index, answer)));
    });
    this.ctx.dispatcher.put('acquire', motions);
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    const { electorate } = this.ctx;
    const medianUs = electorate.medianUs();
    const obstacle = electorate.obstacle() ?? (medianUs === undefined ? 'no node has told its time yet' : undefined);
    const motions: HandOffMotion[] = [];
    bids.forEach((bid, index) => {
      const key = this.ctx.keys.keyOf(bid.resource);
      const problem = obstacle ?? ttlProblem(bid.to.ttlMs) ?? this.ctx.keys.problemOf(bid.resource, key);
      if (problem === undefined) {
        motions.push(this.#handOff(bid, key, medianUs ?? 0, (answer) => answered(index, answer)));
        return;
      }
      // The old holder has given it back, whatever becomes of the next.
      const release = { resource: bid.resource, hashes: [bid.from.hash], token: bid.from.token };
      this.release(release, () => answered(index, { kind: 'unavailable', message: problem }));
    });
    this.ctx.dispatcher.put('hand_off', motions);
  }

  #bid(
    bid: AcquireBid,
    key: string,
    medianUs: number,
    answered: (answer: AcquireAnswer) => void,
    first: { readonly calledAtMs: number; readonly above: NodeToken } | undefined = undefined,
  ): AcquireMotion {
    const calledAtMs = first?.calledAtMs ?? this.ctx.actions.nowMs();
    const terms: BidTerms = {
      key,
      waitingSinceUs: bid.waits ? this.ctx.wants.since(key, medianUs, calledAtMs) : 0,
      token: this.#tokens.next(medianUs, first?.above),
      highestBallot: this.#highestBallot(medianUs),
      ...this.ctx.terms.of(calledAtMs, bid.grantee.ttlMs),
    };
    const again = (above: NodeToken): void => {
      const now = this.ctx.electorate.medianUs() ?? medianUs;
      this.ctx.dispatcher.put('acquire', [this.#bid(bid, key, now, answered, { calledAtMs, above })]);
    };
    const done = (answer: AcquireAnswer): void => {
      if (answer.kind === 'granted') this.ctx.wants.fulfilled(key);
      answered(answer);
    };
    const { electorate, random } = this.ctx;
    const ports = { electorate, random, actions: this.ctx.actions };
    return new AcquireMotion(
      ports,
      bid,
      terms,
      calledAtMs,
      bid.waits ? done : answered,
      first === undefined ? again : undefined,
    );
  }

  #handOff(bid: HandOffBid, key: string, medianUs: number, answered: (answer: HandOffAnswer) => void): HandOffMotion {
    const calledAtMs = this.ctx.actions.nowMs();
    const { to, from, resource } = bid;
    const oldToken = Number(from.token);
    const newToken = this.#tokens.next(medianUs, oldToken);
    const { expiryMs, ...terms } = this.ctx.terms.of(calledAtMs, to.ttlMs);
    const old = lockValue(from.hash, oldToken);
    const values = [...(this.ctx.stragglers.olderThan(key, old) ?? []), old];
    this.ctx.stragglers.forget(key, old);
    this.ctx.kept.ended(from.hash);
    const entry = { key, from: values, value: lockValue(to.hash, newToken), expiryMs };
    const bidInstead = (above: NodeToken): void => {
      const acquire: AcquireBid = { resource, grantee: to, earlierHashes: [], waits: true };
      const done = (answer: AcquireAnswer): void => answered(asHandOff(answer));
      this.ctx.dispatcher.put('acquire', [this.#bid(acquire, key, medianUs, done, { calledAtMs, above })]);
    };
    const ports = { electorate: this.ctx.electorate, actions: this.ctx.actions, answered, bidInstead };
    const highestBallot = this.#highestBallot(medianUs);
    const motionTerms = { ...terms, ttlMs: to.ttlMs, oldToken, newToken, highestBallot };
    return new HandOffMotion(ports, entry, motionTerms, calledAtMs);
  }

  /** What a node within the window may have accepted by now. */
  #highestBallot(medianUs: number): NodeToken {
    return Math.floor(medianUs) + this.ctx.settings.windowMs * 1_000;
  }
}

/** What a bid made instead of a hand-off came to: the old holder's lease is gone either way. */
function asHandOff(answer: AcquireAnswer): HandOffAnswer {
  switch (answer.kind) {
    case 'granted':
      return { kind: 'granted', token: answer.token, previous: 'released', wanted: true };
    case 'held':
    case 'mine':
      return { kind: 'lost' };
    case 'unavailable':
      return answer;
  }
}
