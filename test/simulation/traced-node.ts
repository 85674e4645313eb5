import type {
  BatchReply,
  BatchVerb,
  ErrandReply,
  NodeBatch,
  NodeErrand,
  NodeListener,
  RedisNode,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import type { SimProcess } from './sim-process.js';
import type { World } from './world.js';

const PREFIX = 'holdfast:';
const SHOWN_OF_A_HASH = 6;

/** A way to a Redis that notes in the trace what was asked and answered on it. */
export class TracedNode implements RedisNode {
  constructor(
    private readonly node: RedisNode,
    private readonly world: World,
    private readonly server: SimProcess,
  ) {}

  get id(): string {
    return this.node.id;
  }

  open(listener: NodeListener): void {
    this.node.open(listener);
  }

  batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    const askedMs = this.world.nowMs;
    this.node.batch(batch, (reply) => {
      batch.entries.forEach((entry, index) => {
        const vote: unknown = reply.kind === 'votes' ? reply.votes[index] : reply;
        const asked = `${this.id} ${batch.verb} ${brief(entry)}`;
        const name = entry.key.slice(entry.key.lastIndexOf(':') + 1);
        this.world.note(this.server.name, `${asked} (${askedMs.toFixed(1)}): ${brief(vote)}`, name);
      });
      answered(reply);
    });
  }

  errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void {
    this.node.errand(errand, (reply) => {
      if (errand.kind !== 'pulse') this.world.note(this.server.name, `${this.id} ${errand.kind}: ${brief(reply)}`);
      answered(reply);
    });
  }

  reconnect(): void {
    this.node.reconnect();
  }

  close(): Promise<void> {
    return this.node.close();
  }
}

/** JSON without its quotes, with hashes cut short. */
function brief(value: unknown): string {
  return JSON.stringify(value)
    .replace(/"/g, '')
    .replace(/\b([0-9a-f]{32})\b/g, (hash) => hash.slice(0, SHOWN_OF_A_HASH))
    .replaceAll(PREFIX, '');
}
