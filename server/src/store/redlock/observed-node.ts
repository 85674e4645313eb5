import type {
  BatchReply,
  BatchVerb,
  ErrandReply,
  NodeBatch,
  NodeErrand,
  NodeFault,
  NodeId,
  NodeListener,
  RedisNode,
} from './coordinator/redis-node.js';

/** What becomes of the calls to the nodes, for those who count. */
export interface NodeCounts {
  /** A call brought no vote. */
  fault(kind: NodeFault['kind']): void;
  /** A node voted against a grant. */
  refused(vote: VoteAgainst): void;
}

export type VoteAgainst = (typeof VOTES_AGAINST)[number];

/** What a node may say against a grant. */
export const VOTES_AGAINST = [
  'held',
  'low',
  'ahead',
  'behind',
  'fault',
  'not_admitted',
  'other_configuration',
] as const;

/** Every kind of fault. */
export const NODE_FAULTS: readonly NodeFault['kind'][] = [
  'unreachable',
  'timed_out',
  'refused_password',
  'no_permission',
  'read_only',
  'loading',
  'cannot_persist',
  'unverified',
  'unsuitable',
  'overloaded',
  'error',
];

/** A node whose answers are seen on their way. */
export class ObservedNode implements RedisNode {
  readonly id: NodeId;

  constructor(
    private readonly node: RedisNode,
    private readonly counts: NodeCounts,
  ) {
    this.id = node.id;
  }

  open(listener: NodeListener): void {
    this.node.open(listener);
  }

  batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    const { verb } = batch;
    this.node.batch(batch, (reply) => {
      if (reply.kind === 'fault') this.counts.fault(reply.fault.kind);
      else if (verb === 'acquire' || verb === 'hand_off') this.#count(reply);
      answered(reply);
    });
  }

  errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void {
    this.node.errand(errand, (reply) => {
      if (reply.kind === 'fault') this.counts.fault(reply.fault.kind);
      answered(reply);
    });
  }

  reconnect(): void {
    this.node.reconnect();
  }

  close(): Promise<void> {
    return this.node.close();
  }

  #count(reply: Exclude<BatchReply<BatchVerb>, { readonly kind: 'fault' }>): void {
    if (reply.kind === 'barred') {
      this.counts.refused(reply.why);
      return;
    }
    for (const { kind } of reply.votes) {
      const against = VOTES_AGAINST.find((vote) => vote === kind);
      if (against !== undefined) this.counts.refused(against);
    }
  }
}
