import { systemClock } from '../../server/src/process/system-clock.js';
import { systemRandom } from '../../server/src/process/system-random.js';
import type {
  BatchReply,
  BatchVerb,
  BatchVerbs,
  ClusterConfiguration,
  ErrandReply,
  NodeErrand,
  NodeFacts,
  NodeFault,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { IoredisNode, type IoredisNodeOptions } from '../../server/src/store/redlock/node/ioredis-node.js';
import type { NodeTls } from '../../server/src/store/redlock/node/node-address.js';
import { nodeKeys } from '../../server/src/store/redlock/node/node-keys.js';
import { eventually, within } from './deadline.js';
import { parseNodeAddress } from './parse-node-address.js';
import type { RedisServer } from './redis-server.js';

const DEADLINE_MS = 5_000;

export const CONFIGURATION = { hash: 'c0ffee', generation: 1 } as const;
/** Of marks. */
const NONCE = 'of the rig';
export const SETTINGS: IoredisNodeOptions['settings'] = {
  windowMs: 60_000,
  ballotMs: 600_000,
  admissionMs: 300_000,
  keyTemplate: 'holdfast:{ns}:lock:{name}',
  configuration: CONFIGURATION,
};

export interface RigOptions {
  readonly tls?: NodeTls;
  readonly serverId?: string;
  readonly clusterId?: string;
  readonly settings?: Partial<IoredisNodeOptions['settings']>;
  readonly clock?: IoredisNodeOptions['clock'];
}

export type NodeEvent =
  | { readonly kind: 'verified'; readonly facts: NodeFacts }
  | { readonly kind: 'down'; readonly fault: NodeFault }
  | { readonly kind: 'released' | 'wanted'; readonly key: string };

/** A node of the product against a real Redis, with all it tells. */
export class NodeRig {
  readonly node: IoredisNode;
  readonly events: NodeEvent[] = [];

  constructor(url: string, options: RigOptions = {}) {
    const parsed = parseNodeAddress(url);
    if (parsed.kind === 'refused') throw new Error(parsed.why);
    this.node = new IoredisNode({
      id: 'redis-1',
      address: parsed.address,
      tls: options.tls,
      clusterId: options.clusterId ?? 'main',
      serverId: options.serverId ?? 'server-1',
      settings: { ...SETTINGS, ...options.settings },
      clock: options.clock ?? systemClock,
      random: systemRandom(),
    });
    this.node.open({
      verified: (facts) => void this.events.push({ kind: 'verified', facts }),
      down: (fault) => void this.events.push({ kind: 'down', fault }),
      released: (key) => void this.events.push({ kind: 'released', key }),
      wanted: (key) => void this.events.push({ kind: 'wanted', key }),
    });
  }

  /** Verified for the first time. */
  static async verified(url: string, options: RigOptions = {}): Promise<NodeRig> {
    const rig = new NodeRig(url, options);
    await rig.told((event) => event.kind === 'verified');
    return rig;
  }

  /** Verified and admitted, as the only node of a new cluster. */
  static async admitted(url: string, options: RigOptions = {}): Promise<NodeRig> {
    const rig = await NodeRig.verified(url, options);
    await rig.declare(options.settings?.configuration);
    return rig;
  }

  /** Has it begin as the only node of a new cluster. */
  async declare(configuration: ClusterConfiguration = CONFIGURATION): Promise<ErrandReply> {
    await this.errand({ kind: 'mark', nonce: NONCE });
    return this.errand({ kind: 'declare', nonce: NONCE, configuration, maxTtlMs: 60_000 });
  }

  /** The first event from `from` on that fits. */
  told(fits: (event: NodeEvent) => boolean, from = 0): Promise<NodeEvent> {
    return eventually(DEADLINE_MS, 'an event of the node', () => this.events.slice(from).find(fits));
  }

  async down(from = 0): Promise<NodeFault> {
    const event = await this.told(({ kind }) => kind === 'down', from);
    if (event.kind !== 'down') throw new Error('not told that it is down');
    return event.fault;
  }

  batch<V extends BatchVerb>(verb: V, ...entries: readonly BatchVerbs[V]['entry'][]): Promise<BatchReply<V>> {
    const answered = new Promise<BatchReply<V>>((resolve, reject) => {
      let answers = 0;
      this.node.batch({ verb, entries }, (reply) => {
        answers += 1;
        if (answers > 1) reject(new Error(`${verb} was answered twice`));
        else resolve(reply);
      });
    });
    return within(DEADLINE_MS, `${verb} to be answered`, answered);
  }

  /** The votes, of a batch that must have some. */
  async votes<V extends BatchVerb>(
    verb: V,
    ...entries: readonly BatchVerbs[V]['entry'][]
  ): Promise<readonly BatchVerbs[V]['vote'][]> {
    const reply = await this.batch(verb, ...entries);
    if (reply.kind !== 'votes') throw new Error(`${verb}: ${JSON.stringify(reply)}`);
    return reply.votes;
  }

  /** The vote of one entry. */
  async vote<V extends BatchVerb>(verb: V, entry: BatchVerbs[V]['entry']): Promise<BatchVerbs[V]['vote']> {
    const [vote] = await this.votes(verb, entry);
    if (vote === undefined) throw new Error(`${verb} has no vote`);
    return vote;
  }

  errand(errand: NodeErrand): Promise<ErrandReply> {
    return within(
      DEADLINE_MS,
      `${errand.kind} to be answered`,
      new Promise((resolve) => this.node.errand(errand, resolve)),
    );
  }
}

/** Resolves when so many listen for hints. */
export async function listeners(redis: RedisServer, count: number): Promise<void> {
  await eventually(DEADLINE_MS, `${count} to listen for hints`, async () => {
    const [, listening] = await redis.client.pubsub('NUMSUB', nodeKeys('main').hints);
    return Number(listening) === count ? true : undefined;
  });
}
