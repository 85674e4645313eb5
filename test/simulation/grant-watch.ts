import type {
  AcquireEntry,
  BatchReply,
  BatchVerb,
  LockValue,
  NodeId,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';

export interface GrantWatchPorts {
  readonly settings: Pick<RedlockSettings, 'clockRateDrift' | 'clockMarginMs'>;
  readonly quorum: number;
  /** What time it is at the nodes, more or less. */
  nodesUs(): number;
  /** By the server's own clock. */
  nowMs(): number;
  /** Whether the server itself counts this node among those that may vote. */
  mayVote(node: NodeId): boolean;
  violated(guarantee: string, what: string, lock: string): void;
}

type BidEntry = Pick<AcquireEntry, 'key' | 'value'>;

interface Bid {
  /** When the first node was asked. */
  readonly sentMs: number;
  /** Those that have accepted, while they were voters. */
  readonly voters: Set<NodeId>;
}

/** An answer that is being heard. */
interface Hearing {
  readonly node: NodeId;
  readonly bids: readonly Bid[];
}

/** No node is so far from the others, whatever befalls its clock, and no token from their time. */
const FAR_US = 1_800_000_000;

/**
 * Compares what one life of a server says to have granted with what it has heard:
 * - a quorum has accepted of those that it itself takes for voters (I10);
 * - the lease is not over before it is told (S3);
 * - it proposes no token that no clock explains, whatever a node has told it of its ballots (S2).
 */
export class GrantWatch {
  readonly #bids = new Map<LockValue, Bid>();
  #hearing: Hearing | undefined;

  constructor(private readonly ports: GrantWatchPorts) {}

  /** A bid leaves for a node. */
  sent(entries: readonly BidEntry[]): void {
    for (const { key, value } of entries) {
      if (this.#bids.has(value)) continue;
      this.#bids.set(value, { sentMs: this.ports.nowMs(), voters: new Set() });
      const aheadUs = Number(value.slice(value.lastIndexOf(':') + 1)) - this.ports.nodesUs();
      if (Math.abs(aheadUs) < FAR_US) continue;
      this.ports.violated('S2', `${value} is proposed, ${aheadUs.toFixed()} µs ahead of the nodes`, key);
    }
  }

  /** The server hears this answer now. Whether its node may vote depends on what the answer says of the node's clock. */
  hears(node: NodeId, entries: readonly BidEntry[], reply: BatchReply<BatchVerb>, take: () => void): void {
    const accepted = reply.kind === 'votes' ? entries.filter((_, index) => reply.votes[index]?.kind === 'ok') : [];
    const bids = accepted.flatMap(({ value }) => this.#bids.get(value) ?? []);
    // What an answer sets off may fail at once, and that is heard before this has been.
    if (bids.length > 0) this.#hearing = { node, bids };
    take();
    if (bids.length > 0) this.#count();
  }

  /** The server says that it has granted this. */
  granted(key: string, value: LockValue, ttlMs: number): void {
    this.#count();
    const bid = this.#bids.get(value);
    this.#bids.delete(value);
    const { quorum, settings } = this.ports;
    const votes = bid?.voters.size ?? 0;
    if (votes < quorum) {
      const what = `${value} was granted on the votes of ${votes} nodes that may vote`;
      this.ports.violated('I10', `${what}, where a quorum is ${quorum}`, key);
    }
    const validMs = ttlMs * (1 - settings.clockRateDrift) - settings.clockMarginMs;
    const takenMs = this.ports.nowMs() - (bid?.sentMs ?? 0);
    if (takenMs < validMs) return;
    const what = `${value} was granted after ${takenMs.toFixed(1)} ms, and was valid for ${validMs.toFixed(1)} ms`;
    this.ports.violated('S3', what, key);
  }

  #count(): void {
    const hearing = this.#hearing;
    this.#hearing = undefined;
    if (hearing === undefined || hearing.bids.length === 0 || !this.ports.mayVote(hearing.node)) return;
    for (const { voters } of hearing.bids) voters.add(hearing.node);
  }
}
