import { join } from 'node:path';
import { declareNewCluster } from '../../bench/systems/declare-cluster.js';
import { eventually } from '../../support/deadline.js';
import { type RedisServer, startRedis } from '../../support/redis-server.js';
import { CLOCK_RATE_DRIFT } from '../../support/redlock/beliefs.js';
import { lockKey, quarantineOf } from '../../support/redlock/fault-rig.js';
import { canGrant } from '../../support/server-cluster.js';
import { type ServerProcess, startServer } from '../../support/server-process.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { Participant } from './participant.js';
import { both, type Plan, type Surroundings } from './plan.js';
import { ResourceProcess } from './resource-process.js';

export const TTL_MS = 1_500;
export const MAX_TTL_MS = 2_000;
/** w of all servers. */
export const WINDOW_MS = 600;
/** The product's own, for a lease that is not very short. */
export const NODE_DEADLINE_MS = 300;
/** How long anything may take that only waits for a loaded machine. */
export const PATIENCE_MS = 15_000;
/** What a loaded machine may add to anything that is measured. */
export const SLACK_MS = 2_000;

/** L3, for a lease that nobody extends any more: with two node deadlines and a quarter of a second. */
export function freeAgainMs(ttlMs: number): number {
  return ttlMs * (1 + CLOCK_RATE_DRIFT) + 2 * Math.min(NODE_DEADLINE_MS, ttlMs / 10) + 250;
}

/** The bookkeeping of an admitted node, for servers of the cluster that is the default. */
const ADMISSION = 'holdfast\0default\0adm';

/** Redis nodes, servers, clients and a resource, each a process, with a proxy on every link. */
export class Cell {
  readonly #redises: RedisServer[] = [];
  readonly #servers: ServerProcess[] = [];
  /** Between clients and servers. */
  readonly #doors: TcpProxy[] = [];
  /** Between servers and nodes: a row for each server. */
  readonly #ways: TcpProxy[][] = [];
  readonly #clients: Participant[] = [];
  /** Those who came later. */
  readonly #joined: Participant[] = [];
  readonly #ownProxies: TcpProxy[] = [];
  /** Servers on the data of others. */
  readonly #rivals: ServerProcess[] = [];
  #resource: ResourceProcess | undefined;

  private constructor(
    readonly plan: Plan,
    private readonly surroundings: Surroundings,
  ) {}

  static async start(plan: Plan, surroundings: Surroundings): Promise<Cell> {
    const cell = new Cell(plan, surroundings);
    try {
      await cell.#start();
      return cell;
    } catch (error) {
      await cell.stop();
      throw error;
    }
  }

  get #maxTtlMs(): number {
    return this.plan.maxTtlMs ?? MAX_TTL_MS;
  }

  /** q: how long a node that may have lost its memory does not vote. */
  get quarantineMs(): number {
    return quarantineOf(this.#maxTtlMs, WINDOW_MS);
  }

  redis(number: number): RedisServer {
    return numbered(this.#redises, number, 'redis');
  }

  get redises(): readonly RedisServer[] {
    return this.#redises;
  }

  server(number = 1): ServerProcess {
    return numbered(this.#servers, number, 'server');
  }

  get servers(): readonly ServerProcess[] {
    return this.#servers;
  }

  client(number: number): Participant {
    return numbered(this.#clients, number, 'client');
  }

  get clients(): readonly Participant[] {
    return this.#clients;
  }

  /** The link between clients and a server. */
  door(server = 1): TcpProxy {
    return numbered(this.#doors, server, 'door');
  }

  get doors(): readonly string[] {
    return this.#doors.map(({ address }) => address);
  }

  /** The link between a server and a node. */
  way(server: number, node: number): TcpProxy {
    return numbered(numbered(this.#ways, server, 'server'), node, 'node');
  }

  get resource(): ResourceProcess {
    if (this.#resource === undefined) throw new Error('there is no resource');
    return this.#resource;
  }

  /** A link of its own to the resource. @param at Where it listens. Default: on loopback. */
  async wayToResource(at?: string): Promise<TcpProxy> {
    const { host, port } = this.resource.address;
    const proxy = await TcpProxy.start(`${host}:${port}`, at);
    this.#ownProxies.push(proxy);
    return proxy;
  }

  /** Cuts a server off from nodes. */
  cut(server: number, ...nodes: readonly number[]): void {
    for (const node of nodes) this.way(server, node).cut(true);
  }

  heal(): void {
    for (const way of this.#ways.flat()) way.heal();
    for (const door of this.#doors) door.heal();
  }

  /** Starts the successor of a server that has ended, under its address and with its data. */
  async succeed(number: number): Promise<void> {
    const { address, dataDir } = this.server(number);
    this.#servers[number - 1] = await startServer({ ...this.#serverOptions(number, address), dataDir });
    await canGrant(this.server(number));
  }

  /** Starts one more server on the data of one that lives. Rejects with what it wrote when it does not serve. */
  async rivalOf(number: number): Promise<ServerProcess> {
    const { dataDir } = this.server(number);
    const rival = await startServer({ ...this.#serverOptions(number), dataDir });
    this.#rivals.push(rival);
    return rival;
  }

  /** Starts one more server on the nodes, reached as by the first, with further arguments. It need not be able to grant. */
  async strangerWith(args: readonly string[]): Promise<ServerProcess> {
    const options = this.#serverOptions(1);
    const stranger = await startServer({ ...options, args: [...options.args, ...args] });
    this.#rivals.push(stranger);
    return stranger;
  }

  /** Starts one more client. No other of the run has its name. */
  async joinedBy(name: string, how = this.plan.clientLaunch): Promise<Participant> {
    const { record, launch } = this.surroundings;
    const client = await Participant.start(name, record, both(launch, how));
    this.#joined.push(client);
    return client;
  }

  /** Starts another client in the place of one that has ended. */
  async replaceClient(number: number): Promise<Participant> {
    const client = await this.joinedBy(`client-${number}-${this.#joined.length + 1}`);
    this.#clients[number - 1] = client;
    return client;
  }

  /** All that a server counts, as text. */
  async metrics(server = 1): Promise<string> {
    return (await fetch(this.server(server).metricsUrl ?? '')).text();
  }

  /** @param name With its labels, as a pattern. @throws RangeError when the server does not tell of it. */
  async metric(name: string, server = 1): Promise<number> {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(await this.metrics(server))?.[1];
    if (value === undefined) throw new RangeError(`server ${server} has no metric ${name}`);
    return Number(value);
  }

  /** What a server takes for the time, to the second. */
  async wallClockMs(server: number): Promise<number> {
    const { headers } = await fetch(this.server(server).metricsUrl ?? '');
    return Date.parse(headers.get('date') ?? '');
  }

  /** Resolves when so many requests wait at these servers together; default: at all. */
  async waiting(count: number, servers = this.#servers.map((_, index) => index + 1)): Promise<void> {
    await eventually(PATIENCE_MS, `${count} waiting`, async () => {
      const waiters = await Promise.all(servers.map((server) => this.metric('holdfast_waiters', server)));
      return waiters.reduce((sum, each) => sum + each, 0) === count ? true : undefined;
    });
  }

  /** Resolves when a node has been admitted, as the process it is now: what it had kept of an admission says nothing. */
  async admitted(number: number, withinMs: number): Promise<void> {
    const { client } = this.redis(number);
    const runId = /^run_id:(\w+)/m.exec(await client.info('server'))?.[1] ?? '';
    await eventually(withinMs, `the admission of node ${number}`, async () =>
      (await client.get(ADMISSION))?.startsWith(runId) ? true : undefined,
    );
  }

  /** What stands for a lock at each node that answers. */
  async locks(name: string): Promise<readonly (string | null)[]> {
    return Promise.all(this.#redises.map(({ client }) => client.get(lockKey(name))));
  }

  async stop(): Promise<void> {
    for (const redis of this.#redises) redis.resume();
    await Promise.all([...this.#clients, ...this.#joined].map((client) => client.kill()));
    await Promise.all([...this.#servers, ...this.#rivals].map(stopAtOnce));
    await Promise.all([...this.#ways.flat(), ...this.#doors, ...this.#ownProxies].map((proxy) => proxy.stop()));
    await Promise.all([...this.#redises.map((redis) => redis.stop()), this.#resource?.stop()]);
  }

  async #start(): Promise<void> {
    const { clients, clientLaunch, servers } = this.plan;
    const { record, launch } = this.surroundings;
    const names = Array.from({ length: clients }, (_, index) => `client-${index + 1}`);
    const started = await Promise.allSettled([
      this.#startResource(),
      this.#startRedises().then(() => this.#startServers(servers)),
      ...names.map(async (name, index) => {
        this.#clients[index] = await Participant.start(name, record, both(launch, clientLaunch));
      }),
    ]);
    for (const each of started) if (each.status === 'rejected') throw each.reason;
  }

  async #startResource(): Promise<void> {
    const { folder, fenced } = this.surroundings;
    this.#resource = await ResourceProcess.start(join(folder, 'resource.jsonl'), fenced ? 'fenced' : 'unfenced');
  }

  async #startRedises(): Promise<void> {
    const numbers = Array.from({ length: this.plan.nodes }, (_, index) => index + 1);
    await Promise.all(
      numbers.map(async (number) => {
        const env = this.plan.redisEnv?.(number) ?? {};
        this.#redises[number - 1] = await startRedis({ ...this.plan.redis, env });
      }),
    );
  }

  async #startServers(count: number): Promise<void> {
    for (let server = 1; server <= count; server += 1) {
      const ways = this.#redises.map(({ port }) => TcpProxy.start(`127.0.0.1:${port}`, this.plan.waysAt));
      this.#ways.push(await Promise.all(ways));
    }
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    this.#servers.push(...(await Promise.all(numbers.map((number) => startServer(this.#serverOptions(number))))));
    if (this.plan.nodes > 0 && this.surroundings.declares) await declareNewCluster(this.server(1).address);
    for (const [index, server] of this.#servers.entries()) {
      await canGrant(server);
      this.#doors.push(await TcpProxy.start(server.address, this.plan.doorsAt));
      this.cut(index + 1, ...(this.plan.apart?.(index + 1) ?? []));
    }
  }

  #serverOptions(number: number, address = '127.0.0.1:0') {
    const times = ['--min-ttl', '200ms', '--max-ttl', `${this.#maxTtlMs}ms`, '--default-ttl', `${this.#maxTtlMs}ms`];
    const { tls, password } = this.plan.redis ?? {};
    const scheme = `${tls === undefined ? 'redis' : 'rediss'}://${password === undefined ? '' : `:${password}@`}`;
    const nodes = (this.#ways[number - 1] ?? []).map((way, index) => `redis-${index + 1}=${scheme}${way.address}`);
    const ofStore = ['--store', 'redlock', '--redis-nodes', nodes.join(','), '--redis-window', `${WINDOW_MS}ms`];
    const args = [...times, ...(nodes.length === 0 ? [] : ofStore), '--listen', address];
    const ofAll = both(this.surroundings.launch, this.plan.serverLaunch);
    const launch = both(ofAll, { env: this.plan.serverEnv?.(number) ?? {} });
    return { args: [...args, ...(this.plan.serverArgs ?? [])], ...launch };
  }
}

async function stopAtOnce(server: ServerProcess): Promise<void> {
  await server.kill();
}

function numbered<T>(list: readonly T[], number: number, what: string): T {
  const found = list[number - 1];
  if (found === undefined) throw new RangeError(`there is no ${what} ${number}`);
  return found;
}
