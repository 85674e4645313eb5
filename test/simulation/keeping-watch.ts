import type {
  AdoptEntry,
  ExtendEntry,
  ExtendVote,
  LockValue,
  RepairEntry,
} from '../../server/src/store/redlock/coordinator/redis-node.js';

/** How far two clocks of one rate each run apart, and what is rounded on the way. */
const DRIFT = 0.012;
const ROUNDED_MS = 2;

/** What a server has adopted: the older values of each lock that some node may still have. */
export type Adopted = Map<string, AdoptEntry>;

/** One extension or adoption, which is put to all nodes in the same words. */
interface Round {
  /** When the first node was asked. */
  readonly sentMs: number;
  readonly expiryMs: number;
  /** The older values of a lease that this server has adopted. */
  readonly older: readonly string[];
  /** The nodes that have said that the lease stands. */
  readonly standsAt: Set<string>;
}

export interface KeepingWatchPorts {
  readonly size: number;
  readonly quorum: number;
  /** All clocks run at the rates they should. */
  readonly isSure: boolean;
  nowMs(): number;
  violated(guarantee: string, what: string, lock: string): void;
}

/**
 * Watches from outside what a cluster's servers do to keep leases, by what the nodes have really answered them:
 * - a lease is put back at a node only when a quorum of others has said in one and the same round that it stands, and for no
 *   longer than that round has put off its end (S4);
 * - nobody is told that a lease is lost while so few nodes have refused it that a quorum may have it (L6);
 * - a node that may have an older value of an adopted lease is told of it with every extension (S6).
 */
export class KeepingWatch {
  readonly #rounds = new WeakMap<ExtendEntry, Round>();
  /** By node and value: the rounds in which the node has said that it misses the lease. */
  readonly #missed = new Map<string, Round[]>();
  /** By value: when each node has refused it last. */
  readonly #refusedMs = new Map<LockValue, Map<string, number>>();
  /** Nodes and values that were found there. */
  readonly #confirmed = new Set<string>();

  constructor(private readonly ports: KeepingWatchPorts) {}

  get nowMs(): number {
    return this.ports.nowMs();
  }

  /** A server sends these, perhaps not for the first time. */
  sent(entries: readonly (ExtendEntry | AdoptEntry)[], adopted: Adopted): void {
    for (const entry of entries) {
      if ('presented' in entry) adopted.set(entry.key, entry);
      if (this.#rounds.has(entry)) continue;
      const adoption = adopted.get(entry.key);
      const isPlain = !('presented' in entry) && adoption?.value === entry.value;
      const older = isPlain ? adoption.presented : [];
      const { expiryMs } = entry;
      this.#rounds.set(entry, { sentMs: this.ports.nowMs(), expiryMs, older, standsAt: new Set() });
    }
  }

  /** A node has voted on one of them, with this under the key before. */
  voted(node: string, entry: ExtendEntry | AdoptEntry, vote: ExtendVote, there: string | undefined): void {
    const round = this.#rounds.get(entry);
    if (round === undefined) return;
    const { key, value } = entry;
    const about = `${node} ${value}`;
    if (vote.kind === 'ok') {
      round.standsAt.add(node);
      this.#confirmed.add(about);
      return;
    }
    if (vote.kind === 'fault') return;
    this.#refused(node, value);
    if (vote.kind === 'missing') this.#missed.set(about, [...(this.#missed.get(about) ?? []), round]);
    else if (there !== undefined && round.older.includes(there) && !this.#confirmed.has(about)) {
      const what = `${node} has ${there}, and is asked for ${value} as if it knew of the adoption`;
      this.ports.violated('S6', what, key);
    }
  }

  /** A node has put back what it missed, for so long by true time. */
  repaired(node: string, { key, value }: RepairEntry, forMs: number): void {
    const { isSure, quorum } = this.ports;
    const rounds = this.#missed.get(`${node} ${value}`) ?? [];
    const votes = rounds.map(({ standsAt }) => standsAt.size - (standsAt.has(node) ? 1 : 0));
    if (!votes.some((count) => count >= quorum)) {
      const what = `${node} has put back ${value}, which stands at ${Math.max(0, ...votes)} others`;
      this.ports.violated('S4', `${what}, where a quorum is ${quorum}`, key);
      return;
    }
    const untilMs = Math.max(...rounds.map(({ sentMs, expiryMs }) => sentMs + expiryMs * (1 + DRIFT)));
    const longerMs = this.ports.nowMs() + forMs - untilMs - ROUNDED_MS;
    if (!isSure || longerMs <= 0) return;
    this.ports.violated(
      'S4',
      `${node} has put back ${value} for ${longerMs.toFixed(1)} ms more than is left of it`,
      key,
    );
  }

  /** A server has told that a lease is lost, after it asked for it to be kept. */
  lost(key: string, value: LockValue, calledMs: number): void {
    const { quorum, size } = this.ports;
    const refusals = [...(this.#refusedMs.get(value)?.values() ?? [])].filter((atMs) => atMs >= calledMs).length;
    if (refusals > size - quorum) return;
    const what = `${value} is told to be lost on the word of ${refusals} of ${size} nodes`;
    this.ports.violated('L6', `${what}: a quorum may have it`, key);
  }

  #refused(node: string, value: LockValue): void {
    const known = this.#refusedMs.get(value) ?? new Map<string, number>();
    this.#refusedMs.set(value, known);
    known.set(node, this.ports.nowMs());
  }
}
