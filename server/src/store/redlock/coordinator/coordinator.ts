import type { ResourceKey } from '../../../core/names.js';
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
  Random,
  ReleaseAnswer,
  ReleaseBid,
} from '../../../core/ports.js';
import { AcquireMotion, type BidTerms } from './acquire-motion.js';
import { Dispatcher } from './dispatcher.js';
import type { Electorate } from './electorate.js';
import { ExtendMotion, type ExtensionOutcome } from './extend-motion.js';
import { HandOffMotion } from './hand-off-motion.js';
import { LockKeys } from './keys.js';
import { LeaseTerms, ttlProblem } from './lease-terms.js';
import type { Actions } from './motion.js';
import { NodeLane } from './node-lane.js';
import { anyValueOf, type ForgetVote, lockValue, type NodeToken, type RedisNode } from './redis-node.js';
import { ReleaseMotion } from './release-motion.js';
import { putToVote, type RoundPorts } from './round.js';
import { type RedlockSettings, sharesKeys } from './settings.js';
import { Stragglers } from './stragglers.js';
import { type SurveyAnswers, SurveyMotion } from './survey-motion.js';
import { TokenSource } from './token-source.js';
import { Wants } from './wants.js';

export interface CoordinatorPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly electorate: Electorate;
}

/**
 * The Redlock protocol over several nodes: makes motions of what the server wants, puts them to the vote, and says what
 * came of them. Keeps no leases. Pure over its ports.
 */
export class Coordinator {
  readonly keys: LockKeys;
  readonly #lanes: readonly NodeLane[];
  readonly #dispatcher: Dispatcher;
  readonly #tokens: TokenSource;
  readonly #stragglers = new Stragglers();
  readonly #wants = new Wants();
  readonly #actions: Actions;
  readonly #round: RoundPorts;
  readonly #repairs: boolean;
  readonly #terms: LeaseTerms;

  constructor(
    private readonly settings: RedlockSettings,
    nodes: readonly RedisNode[],
    private readonly ports: CoordinatorPorts,
  ) {
    const { clock, electorate } = ports;
    const { nodeDeadlineMs } = settings;
    this.keys = new LockKeys(settings.keyTemplate);
    this.#tokens = new TokenSource(settings.windowMs);
    this.#repairs = !sharesKeys(settings);
    this.#terms = new LeaseTerms(settings);
    const relieved = () => this.#dispatcher.pump();
    this.#lanes = nodes.map(
      (node, index) => new NodeLane(index, { node, clock, electorate, deadlineMs: nodeDeadlineMs, relieved }),
    );
    this.#round = { clock, electorate, lanes: this.#lanes };
    this.#dispatcher = new Dispatcher(this.#round, nodeDeadlineMs);
    this.#actions = {
      nowMs: () => clock.nowMs(),
      cleanUp: (node, entry, untilMs) => this.#lane(node).cleanUp(entry, untilMs),
      repair: (node, entry) => this.#lane(node).repair(entry),
    };
  }

  /** A node can be called again. */
  nodeCameBack(node: number): void {
    this.#lane(node).cameBack();
    this.#dispatcher.pump();
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    const { electorate } = this.ports;
    const medianUs = electorate.medianUs();
    const obstacle = electorate.obstacle() ?? (medianUs === undefined ? 'no node has told its time yet' : undefined);
    const motions: AcquireMotion[] = [];
    bids.forEach((bid, index) => {
      const key = this.keys.keyOf(bid.resource);
      const problem = obstacle ?? ttlProblem(bid.grantee.ttlMs) ?? this.keys.problemOf(bid.resource, key);
      if (problem !== undefined) answered(index, { kind: 'unavailable', message: problem });
      else motions.push(this.#bid(bid, key, medianUs ?? 0, (answer) => answered(index, answer)));
    });
    this.#dispatcher.put('acquire', motions);
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    const { electorate } = this.ports;
    const medianUs = electorate.medianUs();
    const obstacle = electorate.obstacle() ?? (medianUs === undefined ? 'no node has told its time yet' : undefined);
    const motions: HandOffMotion[] = [];
    bids.forEach((bid, index) => {
      const key = this.keys.keyOf(bid.resource);
      const problem = obstacle ?? ttlProblem(bid.to.ttlMs) ?? this.keys.problemOf(bid.resource, key);
      if (problem === undefined) {
        motions.push(this.#handOff(bid, key, medianUs ?? 0, (answer) => answered(index, answer)));
        return;
      }
      // The old holder has given it back, whatever becomes of the next.
      const release = { resource: bid.resource, hashes: [bid.from.hash], token: bid.from.token };
      this.release([release], () => answered(index, { kind: 'unavailable', message: problem }));
    });
    this.#dispatcher.put('hand_off', motions);
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    const plain: ExtendMotion<'extend'>[] = [];
    const adoptions: ExtendMotion<'adopt'>[] = [];
    bids.forEach((bid, index) => {
      const key = this.keys.keyOf(bid.resource);
      if ((ttlProblem(bid.ttlMs) ?? this.keys.problemOf(bid.resource, key)) !== undefined) {
        answered(index, 'unknown');
        return;
      }
      const token = Number(bid.token);
      const value = lockValue(bid.hash, token);
      const entry = { key, value, expiryMs: this.#terms.expiryMs(bid.ttlMs) };
      const presented = this.#stragglers.olderThan(key, value);
      const done = ({ kind }: ExtensionOutcome): void => {
        if (kind === 'lost') this.#stragglers.forget(key, value);
        answered(index, kind);
      };
      if (presented === undefined) plain.push(this.#extension<'extend'>(entry, bid.ttlMs, token, done));
      else adoptions.push(this.#extension<'adopt'>({ ...entry, presented }, bid.ttlMs, token, done));
    });
    this.#dispatcher.put('adopt', adoptions);
    this.#dispatcher.put('extend', plain);
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    const motions: ExtendMotion<'adopt'>[] = [];
    const unconfirmed = this.ports.electorate.confirmed() ? undefined : 'the nodes have not confirmed this server yet';
    bids.forEach((bid, index) => {
      const key = this.keys.keyOf(bid.resource);
      const { hash, ttlMs } = bid.grantee;
      const problem = unconfirmed ?? ttlProblem(ttlMs) ?? this.keys.problemOf(bid.resource, key);
      if (problem !== undefined) {
        answered(index, { kind: 'unknown', message: problem });
        return;
      }
      const token = Number(bid.token);
      const value = lockValue(hash, token);
      const presented = bid.presented.filter((each) => each !== hash).map((each) => lockValue(each, token));
      this.#stragglers.expect(key, value, presented, this.#lanes.length);
      const entry = { key, presented, value, expiryMs: this.#terms.expiryMs(ttlMs) };
      const done = (outcome: ExtensionOutcome): void => {
        if (outcome.kind === 'lost') this.#stragglers.forget(key, value);
        answered(index, outcome.kind === 'renewed' ? { kind: 'adopted', token: bid.token } : outcome);
      };
      motions.push(this.#extension<'adopt'>(entry, ttlMs, token, done));
    });
    this.#dispatcher.put('adopt', motions);
  }

  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    const { electorate } = this.ports;
    const calledAtMs = this.#actions.nowMs();
    const { maxTtlMs } = this.settings;
    const motions = bids.map((bid, index) => {
      const key = this.keys.keyOf(bid.resource);
      const token = bid.token === undefined ? 0 : Number(bid.token);
      const values = bid.hashes.map((hash) => (bid.token === undefined ? anyValueOf(hash) : lockValue(hash, token)));
      for (const value of values) this.#stragglers.forget(key, value);
      const waitingSinceUs = bid.waits === true ? this.#waitingSinceUs(key, calledAtMs) : 0;
      const entry = { key, values, tombstone: token, waitingSinceUs };
      const done = (answer: ReleaseAnswer): void => answered(index, answer);
      const untilMs = this.#terms.leftoverUntilMs(calledAtMs, maxTtlMs);
      return new ReleaseMotion(electorate, this.#actions, entry, maxTtlMs, untilMs, calledAtMs, done);
    });
    this.#dispatcher.put('release', motions);
  }

  /** Tells all nodes who the holders are, for those whom they refuse. Nobody waits for it. */
  introduce(introductions: readonly Introduction[]): void {
    const { electorate } = this.ports;
    const motions = introductions.map(({ resource, hash, token, clientName }) => {
      const entry = { key: this.keys.keyOf(resource), value: lockValue(hash, Number(token)), holder: clientName };
      return new SurveyMotion<'introduce'>(electorate, this.#actions, entry, this.settings.maxTtlMs, () => undefined);
    });
    putToVote(this.#round, 'introduce', motions, this.settings.nodeDeadlineMs);
  }

  /** Deletes a resource's locks that outlast `longerThanMs`, at each node for itself. */
  forget(
    resource: ResourceKey,
    longerThanMs: number,
    answered: (answers: readonly (ForgetVote | undefined)[], absences: readonly string[]) => void,
  ): void {
    const entry = { key: this.keys.keyOf(resource), longerThanMs };
    const done = (answers: SurveyAnswers<'forget'>, absences: readonly string[]): void => answered(answers, absences);
    const { electorate } = this.ports;
    const motion = new SurveyMotion<'forget'>(electorate, this.#actions, entry, this.settings.maxTtlMs, done);
    putToVote(this.#round, 'forget', [motion], this.settings.nodeDeadlineMs);
  }

  /** Resolves when every motion under way has been decided. */
  settled(): Promise<void> {
    return this.#dispatcher.settled();
  }

  /** The longest that a lock of a lease granted under these settings stands by itself. */
  longestStandMs(): number {
    return this.#terms.expiryMs(this.settings.maxTtlMs);
  }

  #bid(
    bid: AcquireBid,
    key: string,
    medianUs: number,
    answered: (answer: AcquireAnswer) => void,
    first: { readonly calledAtMs: number; readonly above: NodeToken } | undefined = undefined,
  ): AcquireMotion {
    const calledAtMs = first?.calledAtMs ?? this.#actions.nowMs();
    const terms: BidTerms = {
      key,
      waitingSinceUs: bid.waits ? this.#wants.since(key, medianUs, calledAtMs) : 0,
      token: this.#tokens.next(medianUs, first?.above),
      ...this.#terms.of(calledAtMs, bid.grantee.ttlMs),
    };
    const again = (above: NodeToken): void => {
      const now = this.ports.electorate.medianUs() ?? medianUs;
      this.#dispatcher.put('acquire', [this.#bid(bid, key, now, answered, { calledAtMs, above })]);
    };
    const done = (answer: AcquireAnswer): void => {
      if (answer.kind === 'granted') this.#wants.fulfilled(key);
      answered(answer);
    };
    const { electorate, random } = this.ports;
    const ports = { electorate, random, actions: this.#actions };
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
    const calledAtMs = this.#actions.nowMs();
    const { to, from, resource } = bid;
    const oldToken = Number(from.token);
    const newToken = this.#tokens.next(medianUs, oldToken);
    const { expiryMs, ...terms } = this.#terms.of(calledAtMs, to.ttlMs);
    const old = lockValue(from.hash, oldToken);
    const values = [...(this.#stragglers.olderThan(key, old) ?? []), old];
    this.#stragglers.forget(key, old);
    const entry = { key, from: values, value: lockValue(to.hash, newToken), expiryMs };
    const bidInstead = (above: NodeToken): void => {
      const acquire: AcquireBid = { resource, grantee: to, earlierHashes: [], waits: true };
      const done = (answer: AcquireAnswer): void => answered(asHandOff(answer));
      this.#dispatcher.put('acquire', [this.#bid(acquire, key, medianUs, done, { calledAtMs, above })]);
    };
    const ports = { electorate: this.ports.electorate, actions: this.#actions, answered, bidInstead };
    return new HandOffMotion(ports, entry, { ...terms, ttlMs: to.ttlMs, oldToken, newToken }, calledAtMs);
  }

  #extension<V extends 'extend' | 'adopt'>(
    entry: ExtendMotion<V>['entry'],
    ttlMs: number,
    token: NodeToken,
    answered: (outcome: ExtensionOutcome) => void,
  ): ExtendMotion<V> {
    const { key, value } = entry;
    const confirmed = (node: number): void => this.#stragglers.confirmed(key, value, node);
    const ports = { electorate: this.ports.electorate, actions: this.#actions, answered, confirmed };
    return new ExtendMotion<V>(ports, entry, { ttlMs, token, repairs: this.#repairs }, this.#actions.nowMs());
  }

  #waitingSinceUs(key: string, nowMs: number): number {
    const medianUs = this.ports.electorate.medianUs();
    return medianUs === undefined ? 0 : this.#wants.since(key, medianUs, nowMs);
  }

  #lane(node: number): NodeLane {
    const lane = this.#lanes[node];
    if (lane === undefined) throw new RangeError(`there is no node ${node}`);
    return lane;
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
