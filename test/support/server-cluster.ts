import { eventually } from './deadline.js';
import { RealCluster } from './redlock/real-cluster.js';
import { type ServerProcess, startServer } from './server-process.js';

/** Generous: a loaded machine compiles the sources first. */
const SERVING_DEADLINE_MS = 20_000;

/** Real servers over five real Redis nodes, each in a process of its own. */
export class ServerCluster {
  readonly servers: ServerProcess[] = [];

  private constructor(
    private readonly nodes: RealCluster,
    private readonly args: readonly string[],
  ) {}

  static async start(count: number, ...args: readonly string[]): Promise<ServerCluster> {
    const nodes = await RealCluster.start(5);
    const cluster = new ServerCluster(nodes, args);
    const starting = Array.from({ length: count }, () => cluster.#start());
    await nodes.close(await nodes.openNew());
    cluster.servers.push(...(await Promise.all(starting)));
    return cluster;
  }

  /** By its number, from 1. */
  server(number: number): ServerProcess {
    const server = this.servers[number - 1];
    if (server === undefined) throw new RangeError(`there is no server ${number}`);
    return server;
  }

  get addresses(): readonly string[] {
    return this.servers.map(({ address }) => address);
  }

  /** Starts the successor of a server that has ended, under its address. */
  async succeed(number: number): Promise<void> {
    this.servers[number - 1] = await this.#start(this.server(number).address);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
    await this.nodes.stop();
  }

  async #start(address = '127.0.0.1:0'): Promise<ServerProcess> {
    const redisNodes = this.nodes.redises.map(({ url }, index) => `redis-${index + 1}=${url}`).join(',');
    const ofStore = ['--store', 'redlock', '--redis-cluster', 'test', '--redis-nodes', redisNodes];
    const server = await startServer({ args: [...ofStore, '--listen', address, ...this.args] });
    await canGrant(server);
    return server;
  }
}

/** Resolves when a server's store says that it can grant. */
export async function canGrant(server: ServerProcess, withinMs = SERVING_DEADLINE_MS): Promise<void> {
  await eventually(withinMs, 'a server that can grant', async () => {
    const metrics = await (await fetch(server.metricsUrl ?? '')).text();
    return metrics.includes('\nholdfast_store_available 1\n') ? true : undefined;
  });
}
