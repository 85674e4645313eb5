import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../server/src/core/ports.js';
import { systemClock } from '../../../server/src/process/system-clock.js';
import { systemRandom } from '../../../server/src/process/system-random.js';
import type { RedlockStore } from '../../../server/src/store/redlock/coordinator/redlock-store.js';
import {
  type OpenRedlockStoreOptions,
  openRedlockStore,
} from '../../../server/src/store/redlock/open-redlock-store.js';
import { eventually } from '../deadline.js';
import { parseNodeAddress } from '../parse-node-address.js';
import { type RedisOptions, type RedisServer, startRedisServers } from '../redis-server.js';

/** How long a store may take to be ready to grant, on a loaded machine. */
const READY_DEADLINE_MS = 10_000;

export type StoreChanges = Partial<Omit<OpenRedlockStoreOptions, 'nodes'>> & {
  /** Default: `redis-1` and so on. */
  readonly nodeIds?: readonly string[];
};

/** Real Redis processes, and stores of as many servers as a test wants over them. */
export class RealCluster {
  readonly #stores = new Set<RedlockStore>();

  private constructor(readonly redises: readonly RedisServer[]) {}

  static async start(size: number, options: RedisOptions = {}): Promise<RealCluster> {
    return new RealCluster(await startRedisServers(size, options));
  }

  redis(number: number): RedisServer {
    const redis = this.redises[number - 1];
    if (redis === undefined) throw new RangeError(`there is no redis-${number}`);
    return redis;
  }

  /** A store of one server. `urls` replaces the way to nodes, by their number, for instance by a proxy. */
  open({ nodeIds, ...changes }: StoreChanges = {}, urls: ReadonlyMap<number, string> = new Map()): RedlockStore {
    const nodes = this.redises.map((redis, index) => {
      const parsed = parseNodeAddress(urls.get(index + 1) ?? redis.url);
      if (parsed.kind !== 'address') throw new Error(parsed.why);
      return { id: nodeIds?.[index] ?? `redis-${index + 1}`, address: parsed.address };
    });
    const store = openRedlockStore({ ...defaults(systemClock), nodes, ...changes });
    this.#stores.add(store);
    return store;
  }

  /** A store of a cluster that has just been declared new. */
  async openNew(changes: StoreChanges = {}): Promise<RedlockStore> {
    const store = this.open(changes);
    await this.declareNew(store);
    return store;
  }

  async declareNew(store: RedlockStore): Promise<void> {
    await eventually(READY_DEADLINE_MS, 'the declaration of a new cluster', async () => {
      const outcome = await store.nodes.declareNew();
      return outcome.kind === 'done' ? outcome : undefined;
    });
    await this.admitted(store, this.redises.length);
  }

  /** Resolves when so many nodes have admitted the store. */
  async admitted(store: RedlockStore, count: number, withinMs = READY_DEADLINE_MS): Promise<void> {
    await eventually(withinMs, `${count} admitted nodes`, () => {
      const admitted = store.nodes.report().filter(({ state }) => state === 'admitted');
      return admitted.length >= count ? admitted : undefined;
    });
  }

  async close(store: RedlockStore): Promise<void> {
    this.#stores.delete(store);
    await store.close();
  }

  /** Lets locks and ballots come so much closer to their end, at every node. */
  async age(ms: number): Promise<void> {
    await Promise.all(this.redises.map((redis) => redis.client.eval(AGE, 0, String(Math.round(ms)))));
  }

  /** Closes the stores and forgets what the nodes know, but leaves them running. */
  async clear(): Promise<void> {
    for (const store of [...this.#stores]) await this.close(store);
    await Promise.all(this.redises.map((redis) => redis.client.flushall()));
  }

  async stop(): Promise<void> {
    for (const store of [...this.#stores]) await this.close(store);
    await Promise.all(this.redises.map((redis) => redis.stop()));
  }
}

/** Only what is about leases: the bookkeeping of the node itself has names that no lock has. */
const AGE = `
for _, key in ipairs(redis.call('KEYS', 'holdfast:*')) do
  local left = redis.call('PTTL', key) - ARGV[1]
  if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
end
`;

function defaults(clock: Clock): Omit<OpenRedlockStoreOptions, 'nodes'> {
  return {
    tls: {},
    clusterId: 'test',
    keyTemplate: 'holdfast:{ns}:lock:{name}',
    windowMs: 5_000,
    nodeDeadlineMs: 300,
    maxTtlMs: 5_000,
    foreignMaxTtlMs: 0,
    clockRateDrift: 0.01,
    clockMarginMs: 5,
    serverId: randomUUID(),
    clock,
    random: systemRandom(),
    counts: { fault: () => undefined, refused: () => undefined },
    events: {
      event: () => undefined,
      fatal: (problem) => {
        throw new Error(problem);
      },
    },
  };
}
