import type {
  AcquireAnswer,
  AcquireBid,
  Answered,
  HandOffAnswer,
  HandOffBid,
  ReleaseAnswer,
  ReleaseBid,
} from '../../server/src/core/ports.js';
import type {
  AcquireEntry,
  BatchReply,
  BatchVerb,
  ErrandReply,
  HandOffEntry,
  NodeBatch,
  NodeErrand,
  NodeFault,
  NodeId,
  RepairEntry,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import { ModelNode } from '../support/redlock/model-node.js';
import type { LeftoverWatch } from './leftover-watch.js';

const LOSSES: ReadonlySet<NodeFault['kind']> = new Set(['unreachable', 'timed_out', 'unverified']);

/** An answer that takes so long is a slow one. */
const SLOW_MS = 20;

/** A server's way to a Redis, under the name of the one that was meant, and watched for what it leaves there. */
export class WatchedNode extends ModelNode {
  /** What a copy of the call that is being made may leave. */
  #sending: readonly (AcquireEntry | HandOffEntry | RepairEntry)[] = [];

  constructor(
    private readonly meant: NodeId,
    private readonly leftovers: LeftoverWatch,
    ...[redis, settings, options]: ConstructorParameters<typeof ModelNode>
  ) {
    super(redis, settings, options);
  }

  override get id(): NodeId {
    return this.meant;
  }

  override batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    const { leftovers, redis } = this;
    const sentMs = redis.world.nowMs();
    if (takes(batch)) leftovers.asked(batch.entries);
    this.#sending = takes(batch) || repairs(batch) ? batch.entries : [];
    super.batch(batch, (reply) => {
      answered(reply);
      this.#heard(reply, sentMs);
      if (reply.kind === 'votes' && reply.votes.some(({ kind }) => kind === 'fault')) leftovers.failed(redis);
    });
    this.#sending = [];
  }

  /** What is being sent will arrive twice. */
  copied(): void {
    this.leftovers.copied(this.#sending);
  }

  override errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void {
    const sentMs = this.redis.world.nowMs();
    super.errand(errand, (reply) => {
      answered(reply);
      this.#heard(reply, sentMs);
    });
  }

  #heard(reply: BatchReply<BatchVerb> | ErrandReply, sentMs: number): void {
    const { leftovers, redis } = this;
    // The way is slow, or the server stood still: what is to be told may have to wait its turn.
    if (redis.world.nowMs() > sentMs + SLOW_MS) leftovers.failed(redis);
    else if (reply.kind !== 'fault') leftovers.answered(redis, sentMs);
    else if (LOSSES.has(reply.fault.kind)) leftovers.lost(redis);
    else leftovers.failed(redis);
  }
}

function takes(batch: NodeBatch<BatchVerb>): batch is NodeBatch<'acquire' | 'hand_off'> & {
  readonly entries: readonly (AcquireEntry | HandOffEntry)[];
} {
  return batch.verb === 'acquire' || batch.verb === 'hand_off';
}

function repairs(batch: NodeBatch<BatchVerb>): batch is NodeBatch<'repair'> {
  return batch.verb === 'repair';
}

/** The store as it is, watched for what has been granted and given back. */
export class WatchedStore extends RedlockStore {
  constructor(
    private readonly leftovers: LeftoverWatch,
    ...parts: ConstructorParameters<typeof RedlockStore>
  ) {
    super(...parts);
  }

  override acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    super.acquire(bids, (index, answer) => {
      const hash = bids[index]?.grantee.hash;
      if (answer.kind === 'granted' && hash !== undefined) this.leftovers.granted(hash, answer.token);
      answered(index, answer);
    });
  }

  override handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    for (const { from, resource } of bids) {
      this.leftovers.released({ resource, hashes: [from.hash], token: from.token });
    }
    super.handOff(bids, (index, answer) => {
      const hash = bids[index]?.to.hash;
      if (answer.kind === 'granted' && hash !== undefined) this.leftovers.granted(hash, answer.token);
      answered(index, answer);
    });
  }

  override release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    for (const bid of bids) this.leftovers.released(bid);
    super.release(bids, answered);
  }
}
