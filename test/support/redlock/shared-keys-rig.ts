import type { Redis } from 'ioredis';
import { declareNewCluster } from '../../bench/systems/declare-cluster.js';
import { type RedisServer, startRedisServers } from '../redis-server.js';
import { type ServerProcess, startServer } from '../server-process.js';
import { nodeRedlock, type OtherLibrary, redisSemaphore } from './other-libraries.js';

const NODES = 5;

/** A library, and a server that shares its keys. */
export interface Sharing {
  readonly library: OtherLibrary;
  readonly server: ServerProcess;
}

/** Five Redis nodes, both libraries on them, and for each a server of a cluster of its own with the library's keys. */
export class SharedKeysRig {
  private constructor(
    private readonly redises: readonly RedisServer[],
    /** In the order of the libraries. */
    readonly sharings: readonly Sharing[],
  ) {}

  static async start(): Promise<SharedKeysRig> {
    const redises = await startRedisServers(NODES);
    const clients = redises.map(({ client }) => client);
    const nodes = redises.map(({ url }, index) => `redis-${index + 1}=${url}`).join(',');
    const sharings: Sharing[] = [];
    const rig = new SharedKeysRig(redises, sharings);
    try {
      // One after the other, and first the one that takes every key for a lock: a new cluster has to find none.
      for (const library of [nodeRedlock(clients), redisSemaphore(clients)]) {
        const server = await startServer({ args: flags(library, nodes) });
        sharings.push({ library, server });
        await declareNewCluster(server.address);
      }
    } catch (error) {
      await rig.stop();
      throw error;
    }
    return rig;
  }

  /** A client of the first node. */
  get firstNode(): Redis {
    return this.#node(0);
  }

  get lastNode(): Redis {
    return this.#node(NODES - 1);
  }

  /** What the nodes have as a lock's value. */
  values(key: string): Promise<readonly (string | null)[]> {
    return Promise.all(this.redises.map(({ client }) => client.get(key)));
  }

  /** All keys that any node has. */
  async keys(): Promise<ReadonlySet<string>> {
    return new Set((await Promise.all(this.redises.map(({ client }) => client.keys('*')))).flat());
  }

  async stop(): Promise<void> {
    await Promise.all(this.sharings.map(({ server }) => server.stop()));
    await Promise.all(this.redises.map((redis) => redis.stop()));
  }

  #node(index: number): Redis {
    const redis = this.redises[index];
    if (redis === undefined) throw new RangeError(`there is no node ${index}`);
    return redis.client;
  }
}

function flags({ title, keyTemplate }: OtherLibrary, nodes: string): readonly string[] {
  return [
    ...['--store', 'redlock', '--redis-nodes', nodes, '--redis-cluster', title],
    ...['--redis-key-template', keyTemplate, '--redis-foreign-max-ttl', '10s', '--min-ttl', '500ms'],
  ];
}
