import { ServerCore } from '../../server/src/core/server-core.js';
import type { CoreSettings } from '../../server/src/core/session-api.js';
import type { RedisNode } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import type { RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';
import { RecordedTelemetry } from '../support/core-rig.js';
import { ModelNode } from '../support/redlock/model-node.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import type { Reachable, SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import { TracedNode } from './traced-node.js';
import type { SimProcess, World } from './world.js';

/** How long a message between a server and a Redis takes, when nothing is the matter. */
const USUAL_MS = { least: 0.05, most: 1.5 };

/** What may be the matter with the way from one server to one Redis. It outlives the server's process. */
interface LinkTrouble {
  cut: LinkDirection | undefined;
  /** The longest a message may take. */
  maxRequestMs: number;
  maxReplyMs: number;
}

export type LinkDirection = 'requests' | 'replies' | 'both';

export interface RedlockServerParts {
  readonly world: World;
  readonly process: SimProcess;
  readonly random: SeededRandom;
  readonly core: CoreSettings;
  readonly redlock: RedlockSettings;
  readonly redises: readonly ModelRedis[];
}

/** The real core over the real redlock store, in a process that can die; only the Redis processes are models. */
export class RedlockServer implements Reachable {
  core: ServerCore | undefined;
  /** What the nodes and the store have told that must not be. */
  readonly fatal: string[] = [];
  readonly #links: readonly LinkTrouble[];
  #store: RedlockStore | undefined;
  #nodes: readonly ModelNode[] = [];

  constructor(private readonly parts: RedlockServerParts) {
    const { most } = USUAL_MS;
    this.#links = parts.redises.map(() => ({ cut: undefined, maxRequestMs: most, maxReplyMs: most }));
  }

  get process(): SimProcess {
    return this.parts.process;
  }

  get running(): boolean {
    return this.core !== undefined;
  }

  get store(): RedlockStore | undefined {
    return this.#store;
  }

  start(): void {
    const { world, process, random, core, redlock, redises } = this.parts;
    world.note(process.name, 'starts');
    const { generation } = process;
    this.#nodes = redises.map((redis, index) => {
      const channel = {};
      const inbox = (take: () => void): void => process.take(channel, take, generation);
      const node = new ModelNode(redis, redlock, { inbox, serverId: process.name });
      const link = this.#link(index);
      node.requestMs = () => random.between(USUAL_MS.least, link.maxRequestMs);
      node.replyMs = () => random.between(USUAL_MS.least, link.maxReplyMs);
      if (link.cut !== undefined) node.cut(link.cut);
      return node;
    });
    const nodes: RedisNode[] = this.#nodes.map((node) =>
      world.isReplay ? new TracedNode(node, world, process) : node,
    );
    const store = new RedlockStore(redlock, nodes, {
      clock: process,
      random,
      events: {
        event: (event) => {
          if (world.isReplay) world.note(process.name, JSON.stringify(event));
        },
        fatal: (problem) => this.fatal.push(problem),
      },
    });
    this.#store = store;
    this.core = new ServerCore(
      { ...core, serverId: process.name },
      { store, clock: process, random, telemetry: new RecordedTelemetry() },
    );
    store.open();
  }

  kill(network: SimNetwork): void {
    this.core = undefined;
    this.#store = undefined;
    this.process.kill();
    for (const node of this.#nodes) void node.close();
    network.serverDied(this);
  }

  /** Nothing gets through to a Redis, in one direction or in both. */
  cut(node: number, direction: LinkDirection): void {
    this.#link(node).cut = direction;
    this.#nodes[node]?.cut(direction);
  }

  heal(node: number): void {
    this.#link(node).cut = undefined;
    this.#nodes[node]?.heal();
  }

  /** Messages take up to so long; without it, what they usually take. */
  slow(node: number, direction: LinkDirection, maxDelayMs: number = USUAL_MS.most): void {
    const link = this.#link(node);
    if (direction !== 'replies') link.maxRequestMs = maxDelayMs;
    if (direction !== 'requests') link.maxReplyMs = maxDelayMs;
  }

  #link(node: number): LinkTrouble {
    const link = this.#links[node];
    if (link === undefined) throw new RangeError(`there is no node ${node}`);
    return link;
  }
}
