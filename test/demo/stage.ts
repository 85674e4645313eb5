import type { LeaseInfo } from '@holdfast/protocol';
import { listNodes } from '../../client/src/transport/admin-calls.js';
import { eventually } from '../support/deadline.js';
import { listed } from '../support/listed.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { Actor } from './actor.js';
import { RedisCluster } from './redis-cluster.js';
import type { ResourceEvent, Write } from './resource-protocol.js';
import type { WorkerEvent, WorkerOrder } from './worker-protocol.js';

export type Worker = Actor<WorkerOrder, WorkerEvent>;

/** What all workers want. */
export const RESOURCE = 'orders/42';

const SEEN_DEADLINE_MS = 10_000;
const SERVER_FLAGS = ['--min-ttl', '500ms', '--metrics-listen', 'off'];

export interface StageOptions {
  readonly store: 'embedded' | 'redlock';
  /** Of the process of the resource. */
  readonly resourceArgs: readonly string[];
}

/** Everything that runs: a server and its nodes if it has any, a resource that checks tokens, workers. Each is a process. */
export class Stage {
  readonly #actors: { kill(): Promise<void> }[] = [];

  private constructor(
    private running: ServerProcess,
    private readonly first: ServerProcess,
    private readonly resourceUrl: string,
    resource: Actor<never, ResourceEvent>,
    /** The server's nodes; `undefined` where it has none. */
    readonly redis: RedisCluster | undefined,
  ) {
    this.#actors.push(resource);
    if (redis !== undefined) this.#actors.push(redis);
  }

  /** Starts the server, in a temporary directory and on a free port, and the resource. */
  static async set({ store, resourceArgs }: StageOptions): Promise<Stage> {
    const redis = store === 'redlock' ? await RedisCluster.start() : undefined;
    const resource = new Actor<never, ResourceEvent>('resource', './resource-main.ts', resourceArgs);
    const [{ url }, server] = await Promise.all([
      resource.next('ready'),
      startServer({ args: [...SERVER_FLAGS, ...(redis?.flags ?? [])] }),
    ]);
    await redis?.declareNew(server.address);
    return new Stage(server, server, url, resource, redis);
  }

  get server(): ServerProcess {
    return this.running;
  }

  /** Starts a worker and waits until it is connected. */
  async worker(name: string): Promise<Worker> {
    const args = [name, this.server.address, this.resourceUrl, RESOURCE];
    const worker: Worker = new Actor(name, './worker-main.ts', args);
    this.#actors.push(worker);
    await worker.next('ready');
    return worker;
  }

  /** Kills the server as a power cut would. */
  async cutServer(): Promise<void> {
    await this.server.kill('SIGKILL');
  }

  /** Starts a server where the last one was: same address, same data. */
  async restartServer(): Promise<void> {
    const { address, dataDir } = this.first;
    const args = [...SERVER_FLAGS, ...(this.redis?.flags ?? []), '--listen', address];
    this.running = await startServer({ args, dataDir });
  }

  /** Waits until the server's listing of the resource is as it should be. */
  listing(what: string, fits: (lease: LeaseInfo) => boolean): Promise<LeaseInfo> {
    return eventually(SEEN_DEADLINE_MS, what, async () => {
      const leases = await listed(this.server.address);
      return leases.find((lease) => lease.name === RESOURCE && fits(lease));
    });
  }

  /** Waits until so many of the server's nodes vote, by its own listing. */
  votingNodes(expected: number): Promise<number> {
    return eventually(SEEN_DEADLINE_MS, `${expected} voting nodes`, async () => {
      const { nodes } = await listNodes(this.server.address, Date.now() + SEEN_DEADLINE_MS);
      const voting = nodes.filter(({ state }) => state === 'admitted').length;
      return voting === expected ? voting : undefined;
    });
  }

  /** Every write the resource took. */
  async writes(): Promise<readonly Write[]> {
    return (await (await fetch(this.resourceUrl)).json()) as readonly Write[];
  }

  /** Ends everything. */
  async strike(): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.kill()));
    await this.running.kill('SIGKILL');
    // Removes the temporary directory, which belongs to the first.
    await this.first.stop();
  }
}
