import type {
  AcquireEntry,
  AdoptEntry,
  BatchReply,
  BatchVerb,
  BatchVerbs,
  ErrandReply,
  ExtendEntry,
  ExtendVote,
  HandOffEntry,
  LockValue,
  NodeBatch,
  NodeErrand,
  NodeToken,
  ReleaseEntry,
  RepairEntry,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import type { ModelRedis, Witness } from '../support/redlock/model-redis.js';

/** What a node has under a key, before a script or after it. */
interface Look {
  readonly value: string | undefined;
  readonly expiresInMs: number;
}

/** What is known of one lock of a node for longer than the node itself may know it. */
interface Memory {
  /** The greatest token it ever accepted. */
  accepted: NodeToken;
  /** When values were given back there: none of them ever stands there again. */
  readonly overMs: Map<string, number>;
}

/** One entry of a batch, what was answered, and what the lock was before and after it. */
type Step = {
  readonly [V in BatchVerb]: {
    readonly verb: V;
    readonly entry: BatchVerbs[V]['entry'];
    readonly vote: BatchVerbs[V]['vote'];
    readonly before: Look;
    readonly after: Look;
  };
}[BatchVerb];

/** Calls that let a lock stand for longer. */
const TAKES: ReadonlySet<BatchVerb> = new Set(['acquire', 'hand_off', 'extend', 'adopt']);

export interface NodeWatchPorts {
  nowMs(): number;
  readonly windowMs: number;
  /** The longest lease that any node of the cluster has taken so far. Shared by their watches. */
  readonly leases: { longestMs: number };
  violated(guarantee: string, what: string, lock: string): void;
  /** The node has a value, for so long by its own clock. */
  stands(key: string, value: LockValue, expiresInMs: number): void;
  /** An extension or adoption has been voted on; this was under its key before. */
  voted(entry: ExtendEntry | AdoptEntry, vote: ExtendVote, there: string | undefined): void;
  /** A lease has been put back, for so long by the node's own clock. */
  repaired(entry: RepairEntry, expiresInMs: number): void;
  /** A server has taken away its vote, because its clock has moved or it has forgotten something. */
  unadmitted(): void;
}

/**
 * Watches one node from outside, with a memory that outlives the node's. On what nodes must never do rests what all servers
 * promise together, so that a node that does it is found long before two clients meet over it:
 * - what a node accepts is greater than whatever it accepted before, whatever it has lost or slept through since, and not so
 *   old that it could be from before the node lost something (S2);
 * - after a loss of its memory it accepts nothing until every lease of before is over (S1);
 * - a lock changes or goes only on the word of the one whose value it is, and nobody is told that he has it who has not (S1);
 * - no expiry moves closer (S3);
 * - what was given back does not come back (S4).
 */
export class NodeWatch implements Witness {
  readonly #locks = new Map<string, Memory>();
  #forgotMs = Number.NEGATIVE_INFINITY;
  /** The latest moment, by its own clock, at which it accepted something that it may remember. */
  #latestUs = Number.NEGATIVE_INFINITY;
  /** The longest lease there was when it did. */
  #awaitedMs = 0;

  constructor(
    private readonly redis: ModelRedis,
    private readonly ports: NodeWatchPorts,
  ) {}

  forgot(): void {
    // Before anything was ever granted there was nothing to forget: a cluster that is declared new then votes at once.
    if (this.ports.leases.longestMs === 0) return;
    this.#forgotMs = this.ports.nowMs();
    this.#latestUs = Number.NEGATIVE_INFINITY;
    this.#awaitedMs = this.ports.leases.longestMs;
  }

  errand(errand: NodeErrand, run: () => ErrandReply): ErrandReply {
    const reply = run();
    if (errand.kind === 'reset') this.forgot();
    if (errand.kind === 'unadmit') this.ports.unadmitted();
    return reply;
  }

  batch<V extends BatchVerb>(batch: NodeBatch<V>, run: () => BatchReply<V>): BatchReply<V> {
    const before = batch.entries.map(({ key }) => this.#look(key));
    const reply = run();
    if (reply.kind === 'barred') {
      batch.entries.forEach(({ key }, index) => void this.#unchanged(key, before[index], this.#look(key), batch.verb));
    }
    if (reply.kind !== 'votes') return reply;
    if (TAKES.has(batch.verb)) this.#noteStands(batch.entries, reply.votes);
    batch.entries.forEach((entry, index) => {
      const [vote, was] = [reply.votes[index], before[index]];
      if (vote === undefined || was === undefined) return;
      const step = { verb: batch.verb, entry, vote, before: was, after: this.#look(entry.key) } as Step;
      this.#tell(step);
      const { entries } = batch;
      const others = entries.length === 1 ? entries : entries.filter(({ key }) => key === entry.key);
      if (others.length === 1) this.#judge(step);
      // Of several entries for one lock it cannot be said which did what; only what is given back comes several times.
      else if (step.verb === 'release') this.#released(step, (others as readonly ReleaseEntry[]).flatMap(valuesOf));
    });
    return reply;
  }

  #tell({ verb, entry, vote, before, after }: Step): void {
    if (verb === 'extend' || verb === 'adopt') this.ports.voted(entry, vote, before.value);
    else if (verb === 'repair' && vote.kind === 'ok') this.ports.repaired(entry, after.expiresInMs);
  }

  #noteStands(entries: readonly { readonly key: string }[], votes: readonly { readonly kind: string }[]): void {
    entries.forEach(({ key }, index) => {
      if (votes[index]?.kind !== 'ok') return;
      const { value, expiresInMs } = this.#look(key);
      if (value !== undefined) this.ports.stands(key, value as LockValue, expiresInMs);
    });
  }

  #look(key: string): Look {
    return { value: this.redis.keys.get(key), expiresInMs: this.redis.keys.expiresInMs(key) };
  }

  #judge(step: Step): void {
    const { after, before, vote } = step;
    switch (step.verb) {
      case 'acquire':
        if (vote.kind === 'ok') this.#accepted(step.entry, before, after, []);
        else this.#refused(step);
        return;
      case 'hand_off':
        if (vote.kind === 'ok') this.#accepted(step.entry, before, after, step.entry.from);
        else this.#refused(step);
        return;
      case 'extend':
      case 'adopt': {
        if (vote.kind !== 'ok') {
          this.#refused(step);
          return;
        }
        const { key, value } = step.entry;
        const known = step.verb === 'adopt' ? [value, ...step.entry.presented] : [value];
        this.#ownedBy(key, before, known);
        this.#has(key, value, after);
        if (after.expiresInMs < before.expiresInMs)
          this.#accuse('S3', key, 'let a lock expire sooner than it would have');
        return;
      }
      case 'release':
        this.#released(step, step.entry.values);
        return;
      case 'repair':
        if (vote.kind === 'ok') {
          this.#has(step.entry.key, step.entry.value, after);
          this.#stands(step.entry.key, step.entry.value, before, [], this.#mayReturn(step.entry));
        } else this.#refused(step);
        return;
      case 'introduce':
        this.#refused(step);
        return;
      case 'forget':
        return;
    }
  }

  #accepted(entry: AcquireEntry | HandOffEntry, before: Look, after: Look, from: readonly LockValue[]): void {
    const { key, value, expiryMs } = entry;
    const { leases } = this.ports;
    leases.longestMs = Math.max(leases.longestMs, expiryMs);
    const memory = this.#memoryOf(key);
    const token = tokenOf(value);
    if (token <= memory.accepted) this.#accuse('S2', key, `accepted ${token} after ${memory.accepted}`);
    this.#latestUs = Math.max(this.#latestUs, this.redis.clockUs);
    const behindUs = this.#latestUs - token;
    if (behindUs > 1_000 * this.ports.windowMs) {
      this.#accuse('S2', key, `accepted ${token}, which is ${(behindUs / 1_000).toFixed()} ms old`);
    }
    const sinceMs = this.ports.nowMs() - this.#forgotMs;
    if (sinceMs < Math.max(this.#awaitedMs, 2 * this.ports.windowMs)) {
      this.#accuse('S1', key, `accepted ${token} ${sinceMs.toFixed()} ms after it lost its memory`);
    }
    memory.accepted = Math.max(memory.accepted, token);
    this.#has(key, value, after);
    this.#stands(key, value, before, from);
  }

  /**
   * Where a lock was missing, and its ballot was not, a late copy of the repair finds all as it was read, and does no harm. So does
   * one that finds nothing at all, as it did, because the node has forgotten the release.
   */
  #mayReturn({ key, value, ballot, token }: RepairEntry): boolean {
    if (ballot !== undefined) return ballot >= token;
    const overMs = this.#memoryOf(key).overMs.get(value);
    return overMs !== undefined && overMs <= this.#forgotMs;
  }

  /** A value has been set where nothing stood, or one of those that were named. */
  #stands(key: string, value: LockValue, before: Look, from: readonly LockValue[], mayReturn = false): void {
    this.#ownedBy(key, before, from);
    if (!mayReturn && this.#memoryOf(key).overMs.has(value))
      this.#accuse('S4', key, `has ${value} again, which was given back there`);
  }

  #released({ entry: { key }, vote, before, after }: Step, values: readonly LockValue[]): void {
    const whole: readonly string[] = values.filter((value) => !value.endsWith(':'));
    const isNamed = (there: string): boolean =>
      whole.includes(there) || values.some((value) => value.endsWith(':') && there.startsWith(value));
    if (before.value !== undefined && !isNamed(before.value) && after.value !== before.value) {
      this.#accuse('S1', key, `deleted ${before.value} where ${values.join(' or ')} was given back`);
    }
    if (vote.kind === 'fault') return;
    if (after.value !== undefined && isNamed(after.value)) {
      this.#accuse('S4', key, `answered that ${values.join(' or ')} is ${vote.kind}, and still has ${after.value}`);
    }
    for (const value of whole) this.#memoryOf(key).overMs.set(value, this.ports.nowMs());
  }

  #ownedBy(key: string, { value }: Look, known: readonly string[]): void {
    if (value === undefined || known.includes(value)) return;
    this.#accuse('S1', key, `took the lock of ${value} for that of ${known.join(' or ') || 'nobody'}`);
  }

  /** Whoever was told that his value stands has it there. */
  #has(key: string, value: LockValue, after: Look): void {
    if (after.value !== value) this.#accuse('S1', key, `told ${value} that it stands, and has ${after.value}`);
  }

  #refused({ entry, before, after, verb }: Step): void {
    this.#unchanged(entry.key, before, after, verb);
  }

  #unchanged(key: string, before: Look | undefined, after: Look, verb: BatchVerb): void {
    if (before?.value === after.value && before?.expiresInMs === after.expiresInMs) return;
    this.#accuse('S1', key, `changed a lock, though it refused to ${verb}`);
  }

  #memoryOf(key: string): Memory {
    const known = this.#locks.get(key);
    if (known !== undefined) return known;
    const fresh = { accepted: 0, overMs: new Map<string, number>() };
    this.#locks.set(key, fresh);
    return fresh;
  }

  #accuse(guarantee: string, key: string, what: string): void {
    this.ports.violated(guarantee, `${this.redis.id} ${what}`, key);
  }
}

function valuesOf({ values }: ReleaseEntry): readonly LockValue[] {
  return values;
}

function tokenOf(value: LockValue): NodeToken {
  return Number(value.slice(value.lastIndexOf(':') + 1));
}
