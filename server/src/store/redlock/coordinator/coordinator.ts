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
import { batchLength } from './batch-size.js';
import { Bidding } from './bidding.js';
import type { CoordinatorContext } from './coordinator-context.js';
import { Dispatcher } from './dispatcher.js';
import type { Electorate } from './electorate.js';
import { Keeping } from './keeping.js';
import { KeptLeases } from './kept-leases.js';
import { LockKeys } from './keys.js';
import { LeaseTerms } from './lease-terms.js';
import { NodeLane } from './node-lane.js';
import { Pause } from './pause.js';
import { anyValueOf, type ForgetVote, lockValue, type RedisNode } from './redis-node.js';
import { ReleaseMotion } from './release-motion.js';
import { putToVote, type RoundPorts } from './round.js';
import type { RedlockSettings } from './settings.js';
import { Stragglers } from './stragglers.js';
import { type SurveyAnswers, SurveyMotion } from './survey-motion.js';
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
  readonly #ctx: CoordinatorContext;
  readonly #lanes: readonly NodeLane[];
  readonly #round: RoundPorts;
  readonly #bidding: Bidding;
  readonly #keeping: Keeping;
  readonly #pause: Pause;

  constructor(
    private readonly settings: RedlockSettings,
    nodes: readonly RedisNode[],
    { clock, random, electorate }: CoordinatorPorts,
  ) {
    const { nodeDeadlineMs } = settings;
    const relieved = () => this.#ctx.dispatcher.pump();
    this.#lanes = nodes.map(
      (node, index) => new NodeLane(index, { node, clock, electorate, deadlineMs: nodeDeadlineMs, relieved }),
    );
    this.#round = { clock, electorate, lanes: this.#lanes };
    this.keys = new LockKeys(settings.keyTemplate);
    this.#ctx = {
      settings,
      random,
      electorate,
      dispatcher: new Dispatcher(this.#round, nodeDeadlineMs),
      actions: {
        nowMs: () => clock.nowMs(),
        cleanUp: (node, entry, untilMs) => this.#lane(node).cleanUp(entry, untilMs),
        repair: (node, entry) => this.#lane(node).repair(entry),
      },
      keys: this.keys,
      terms: new LeaseTerms(settings),
      kept: new KeptLeases(),
      stragglers: new Stragglers(),
      wants: new Wants(),
    };
    this.#bidding = new Bidding(this.#ctx, (bid, answered) => this.release([bid], (_, answer) => answered(answer)));
    this.#keeping = new Keeping(this.#ctx);
    this.#pause = new Pause(clock, nodeDeadlineMs);
  }

  /** A node can be called again. */
  nodeCameBack(node: number): void {
    this.#lane(node).cameBack();
    this.#ctx.dispatcher.pump();
  }

  /** The server trusts its own clock again. */
  goOn(): void {
    this.#pause.end();
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    this.#afterPause(() => this.#bidding.acquire(bids, answered));
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    this.#afterPause(() => this.#bidding.handOff(bids, answered));
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    this.#keeping.extend(bids, answered);
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    this.#keeping.adopt(bids, answered);
  }

  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    const { electorate, actions, terms, kept, stragglers } = this.#ctx;
    const calledAtMs = actions.nowMs();
    const { maxTtlMs } = this.settings;
    const motions = bids.map((bid, index) => {
      const key = this.keys.keyOf(bid.resource);
      const token = bid.token === undefined ? 0 : Number(bid.token);
      const named = bid.hashes.map((hash) => (bid.token === undefined ? anyValueOf(hash) : lockValue(hash, token)));
      const older = named.flatMap((value) => stragglers.olderThan(key, value) ?? []);
      const values = older.length === 0 ? named : [...new Set([...named, ...older])];
      for (const value of named) stragglers.forget(key, value);
      for (const hash of bid.hashes) kept.ended(hash);
      const waitingSinceUs = bid.waits === true ? this.#waitingSinceUs(key, calledAtMs) : 0;
      const entry = { key, values, tombstone: token, waitingSinceUs };
      const done = (answer: ReleaseAnswer): void => answered(index, answer);
      const untilMs = terms.leftoverUntilMs(calledAtMs, maxTtlMs);
      return new ReleaseMotion(electorate, actions, entry, maxTtlMs, untilMs, calledAtMs, done);
    });
    this.#ctx.dispatcher.put('release', motions);
  }

  /** Tells all nodes who the holders are, for those whom they refuse. Nobody waits for it. */
  introduce(introductions: readonly Introduction[]): void {
    const { electorate } = this.#ctx;
    const motions = introductions.map(({ resource, hash, token, clientName }) => {
      const entry = { key: this.keys.keyOf(resource), value: lockValue(hash, Number(token)), holder: clientName };
      return new SurveyMotion<'introduce'>(
        electorate,
        this.#ctx.actions,
        entry,
        this.settings.maxTtlMs,
        () => undefined,
      );
    });
    while (motions.length > 0) {
      const batch = motions.splice(0, batchLength(motions));
      putToVote(this.#round, 'introduce', batch, this.settings.nodeDeadlineMs);
    }
  }

  /** Deletes a resource's locks that outlast `longerThanMs`, at each node for itself. */
  forget(
    resource: ResourceKey,
    longerThanMs: number,
    answered: (answers: readonly (ForgetVote | undefined)[], absences: readonly string[]) => void,
  ): void {
    const entry = { key: this.keys.keyOf(resource), longerThanMs };
    const done = (answers: SurveyAnswers<'forget'>, absences: readonly string[]): void => answered(answers, absences);
    const { electorate } = this.#ctx;
    const motion = new SurveyMotion<'forget'>(electorate, this.#ctx.actions, entry, this.settings.maxTtlMs, done);
    putToVote(this.#round, 'forget', [motion], this.settings.nodeDeadlineMs);
  }

  /** Resolves when every motion under way has been decided. */
  settled(): Promise<void> {
    return this.#ctx.dispatcher.settled();
  }

  /** The longest that a lock of a lease of this time to live stands by itself. */
  standMs(ttlMs: number): number {
    return this.#ctx.terms.expiryMs(ttlMs);
  }

  #waitingSinceUs(key: string, nowMs: number): number {
    const medianUs = this.#ctx.electorate.medianUs();
    return medianUs === undefined ? 0 : this.#ctx.wants.since(key, medianUs, nowMs);
  }

  #afterPause(call: () => void): void {
    if (this.#ctx.electorate.pausing()) this.#pause.hold(call);
    else call();
  }

  #lane(node: number): NodeLane {
    const lane = this.#lanes[node];
    if (lane === undefined) throw new RangeError(`there is no node ${node}`);
    return lane;
  }
}
