import type { Hash, ResourceKey } from '../../server/src/core/names.js';
import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  ExtendAnswer,
  ExtendBid,
  Grantee,
  HandOffAnswer,
  HandOffBid,
  ReleaseAnswer,
  ReleaseBid,
} from '../../server/src/core/ports.js';
import { LockKeys } from '../../server/src/store/redlock/coordinator/keys.js';
import {
  type AcquireEntry,
  type BatchReply,
  type BatchVerb,
  type ErrandReply,
  type HandOffEntry,
  lockValue,
  type NodeBatch,
  type NodeErrand,
  type NodeFault,
  type NodeId,
  type RepairEntry,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import { ModelNode } from '../support/redlock/model-node.js';
import type { GrantWatch } from './grant-watch.js';
import type { Adopted, KeepingWatch } from './keeping-watch.js';
import type { LeftoverWatch } from './leftover-watch.js';
import type { ProposalWatch } from './proposal-watch.js';

const LOSSES: ReadonlySet<NodeFault['kind']> = new Set(['unreachable', 'timed_out', 'unverified']);

/** An answer that takes so long is a slow one. */
const SLOW_MS = 20;

/** What one life of a server is watched by. */
export interface ServerWatches {
  readonly leftovers: LeftoverWatch;
  readonly grants: GrantWatch;
  readonly proposals: ProposalWatch;
  readonly keeping: KeepingWatch;
  readonly adopted: Adopted;
}

/** A server's way to a Redis, under the name of the one that was meant, and watched for what it asks and leaves there. */
export class WatchedNode extends ModelNode {
  /** What a copy of the call that is being made may leave. */
  #sending: readonly (AcquireEntry | HandOffEntry | RepairEntry)[] = [];

  constructor(
    private readonly meant: NodeId,
    private readonly watches: ServerWatches,
    ...[redis, settings, options]: ConstructorParameters<typeof ModelNode>
  ) {
    super(redis, settings, options);
  }

  override get id(): NodeId {
    return this.meant;
  }

  override batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    const { redis } = this;
    const { adopted, grants, keeping, leftovers, proposals } = this.watches;
    const sentMs = redis.world.nowMs();
    const bids = takes(batch) ? batch.entries : [];
    leftovers.asked(bids);
    grants.sent(bids);
    proposals.sent(this.id, bids);
    if (keeps(batch)) keeping.sent(batch.entries, adopted);
    this.#sending = repairs(batch) ? batch.entries : bids;
    super.batch(batch, (reply) => {
      if (bids.length === 0) answered(reply);
      else grants.hears(this.id, bids, reply, () => answered(reply));
      this.#heard(reply, sentMs);
      if (reply.kind === 'votes' && reply.votes.some(({ kind }) => kind === 'fault')) leftovers.failed(redis);
    });
    this.#sending = [];
  }

  /** Sends what is not the server's own idea. */
  smuggle<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    super.batch(batch, answered);
  }

  /** What is being sent will arrive twice. */
  copied(): void {
    this.watches.leftovers.copied(this.#sending);
  }

  override errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void {
    const sentMs = this.redis.world.nowMs();
    super.errand(errand, (reply) => {
      answered(reply);
      this.#heard(reply, sentMs);
    });
  }

  #heard(reply: BatchReply<BatchVerb> | ErrandReply, sentMs: number): void {
    const { redis } = this;
    const { leftovers } = this.watches;
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

function keeps(batch: NodeBatch<BatchVerb>): batch is NodeBatch<'extend' | 'adopt'> {
  return batch.verb === 'extend' || batch.verb === 'adopt';
}

function repairs(batch: NodeBatch<BatchVerb>): batch is NodeBatch<'repair'> {
  return batch.verb === 'repair';
}

/** The store as it is, watched for what it says to have granted, lost and given back. */
export class WatchedStore extends RedlockStore {
  readonly #keys: LockKeys;

  constructor(
    private readonly watches: ServerWatches,
    ...parts: ConstructorParameters<typeof RedlockStore>
  ) {
    super(...parts);
    this.#keys = new LockKeys(parts[0].keyTemplate);
  }

  override acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    super.acquire(bids, (index, answer) => {
      const bid = bids[index];
      if (answer.kind === 'granted' && bid !== undefined) this.#granted(bid.resource, bid.grantee, answer.token);
      answered(index, answer);
    });
  }

  override handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    for (const { from, resource } of bids) {
      this.watches.leftovers.released({ resource, hashes: [from.hash], token: from.token });
    }
    super.handOff(bids, (index, answer) => {
      const bid = bids[index];
      if (answer.kind === 'granted' && bid !== undefined) this.#granted(bid.resource, bid.to, answer.token);
      answered(index, answer);
    });
  }

  override extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    const calledMs = this.watches.keeping.nowMs;
    super.extend(bids, (index, answer) => {
      const bid = bids[index];
      if (answer === 'lost' && bid !== undefined) this.#lost(bid.resource, bid.hash, bid.token, calledMs);
      answered(index, answer);
    });
  }

  override adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    const calledMs = this.watches.keeping.nowMs;
    super.adopt(bids, (index, answer) => {
      const bid = bids[index];
      if (answer.kind === 'lost' && bid !== undefined) {
        this.#lost(bid.resource, bid.grantee.hash, bid.token, calledMs);
      }
      answered(index, answer);
    });
  }

  override release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    for (const bid of bids) this.watches.leftovers.released(bid);
    super.release(bids, answered);
  }

  #granted(resource: ResourceKey, { hash, ttlMs }: Grantee, token: bigint): void {
    this.watches.leftovers.granted(hash, token);
    this.watches.grants.granted(this.#keys.keyOf(resource), lockValue(hash, Number(token)), ttlMs);
  }

  #lost(resource: ResourceKey, hash: Hash, token: bigint, calledMs: number): void {
    this.watches.keeping.lost(this.#keys.keyOf(resource), lockValue(hash, Number(token)), calledMs);
  }
}
