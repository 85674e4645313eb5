import { expect } from 'chai';
import type { NodeReport } from '../../../server/src/core/ports.js';
import type { RedlockStore } from '../../../server/src/store/redlock/coordinator/redlock-store.js';
import type { MembershipEvent } from '../../../server/src/store/redlock/open-redlock-store.js';
import { Verbs } from '../../contract/verbs.js';
import { inFigures } from '../../history/history.js';
import type { KeyLeft } from '../../history/keys-left.js';
import { eventually } from '../deadline.js';
import type { RedisOptions, RedisServer } from '../redis-server.js';
import { TcpProxy } from '../tcp-proxy.js';
import { type Attempt, Beliefs, CLOCK_MARGIN_MS, CLOCK_RATE_DRIFT, type Holding } from './beliefs.js';
import { RealCluster, type StoreChanges } from './real-cluster.js';

export const WINDOW_MS = 300;
/** Leases that are kept survive a machine that does nothing for most of this. */
export const MAX_TTL_MS = 1_200;
export const NODE_DEADLINE_MS = 150;
/** How long anything may take that only waits for a loaded machine. */
export const PATIENCE_MS = 10_000;

/** q, reckoned here once more and not taken from the product. */
export function quarantineOf(maxTtlMs = MAX_TTL_MS, windowMs = WINDOW_MS): number {
  return Math.max(maxTtlMs, 2 * windowMs) * (1 + 2 * CLOCK_RATE_DRIFT) + 1_000;
}

/** The store of one server, with all it tells, and the ways to nodes that can be disturbed. */
export class FaultServer {
  readonly on: Verbs;

  constructor(
    readonly store: RedlockStore,
    readonly events: readonly MembershipEvent[],
    readonly fatal: readonly string[],
    private readonly proxies: ReadonlyMap<number, TcpProxy>,
  ) {
    this.on = new Verbs(() => store);
  }

  /** The way to this node, by its number. */
  way(number: number): TcpProxy {
    const proxy = this.proxies.get(number);
    if (proxy === undefined) throw new RangeError(`the way to redis-${number} cannot be disturbed`);
    return proxy;
  }

  node(number: number): NodeReport {
    const report = this.store.nodes.report()[number - 1];
    if (report === undefined) throw new RangeError(`there is no redis-${number}`);
    return report;
  }

  /** Resolves when a node is in this state. */
  async sees(number: number, state: NodeReport['state'], withinMs = PATIENCE_MS): Promise<NodeReport> {
    return eventually(withinMs, `redis-${number} ${state}`, () => {
      const report = this.node(number);
      return report.state === state ? report : undefined;
    });
  }
}

/** Real nodes of one test, servers over them, and clients that write down what they believe. */
export class FaultRig {
  readonly beliefs = new Beliefs();
  readonly #proxies: TcpProxy[] = [];

  private constructor(readonly cluster: RealCluster) {}

  static async start(size = 5, options: RedisOptions = {}): Promise<FaultRig> {
    return new FaultRig(await RealCluster.start(size, options));
  }

  redis(number: number): RedisServer {
    return this.cluster.redis(number);
  }

  redises(...numbers: readonly number[]): readonly RedisServer[] {
    return numbers.map((number) => this.redis(number));
  }

  /** A server; `disturbed` are the nodes to which it goes through a proxy. `urls` replaces the way to some nodes. */
  async server(
    changes: StoreChanges = {},
    disturbed: readonly number[] = [],
    urls: ReadonlyMap<number, string> = new Map(),
  ): Promise<FaultServer> {
    const proxies = new Map<number, TcpProxy>();
    for (const number of disturbed) {
      proxies.set(number, await TcpProxy.start(`127.0.0.1:${this.redis(number).port}`));
    }
    this.#proxies.push(...proxies.values());
    const ways = new Map([
      ...urls,
      ...[...proxies].map(([number, { address }]) => [number, `redis://${address}`] as const),
    ]);
    const events: MembershipEvent[] = [];
    const fatal: string[] = [];
    const store = this.cluster.open(
      {
        windowMs: WINDOW_MS,
        maxTtlMs: MAX_TTL_MS,
        nodeDeadlineMs: NODE_DEADLINE_MS,
        clockRateDrift: CLOCK_RATE_DRIFT,
        clockMarginMs: CLOCK_MARGIN_MS,
        events: { event: (event) => void events.push(event), fatal: (problem) => void fatal.push(problem) },
        ...changes,
      },
      ways,
    );
    return new FaultServer(store, events, fatal, proxies);
  }

  /** The first server of a cluster that is declared new. */
  async firstServer(changes: StoreChanges = {}, disturbed: readonly number[] = []): Promise<FaultServer> {
    const server = await this.server(changes, disturbed);
    await this.cluster.declareNew(server.store);
    return server;
  }

  /** One more server, ready to grant. */
  async nextServer(changes: StoreChanges = {}, disturbed: readonly number[] = []): Promise<FaultServer> {
    const server = await this.server(changes, disturbed);
    await this.cluster.admitted(server.store, this.cluster.redises.length);
    return server;
  }

  attempt(server: FaultServer, name: string, ttlMs = MAX_TTL_MS, who = this.beliefs.request()): Promise<Attempt> {
    return this.beliefs.attempt(server.on, name, who, ttlMs);
  }

  /** Tries again until it is granted. */
  async hold(server: FaultServer, name: string, ttlMs = MAX_TTL_MS, withinMs = PATIENCE_MS): Promise<Holding> {
    const who = this.beliefs.request();
    let last = '';
    return eventually(withinMs, `a grant of ${name}`, async () => {
      const attempt = await this.attempt(server, name, ttlMs, who);
      if (attempt.kind === 'granted') return attempt.holding;
      last = attempt.kind === 'unavailable' ? attempt.message : attempt.kind;
      return undefined;
    }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : error}; in the end: ${last}`);
    });
  }

  /** Tries until it is told what is wrong in these words; being granted meanwhile fails the test. */
  async refusal(server: FaultServer, name: string, words: RegExp, withinMs = PATIENCE_MS): Promise<string> {
    const who = this.beliefs.request();
    const seen = new Set<string>();
    return eventually(withinMs, `a refusal in the words ${words}`, async () => {
      const attempt = await this.attempt(server, name, MAX_TTL_MS, who);
      if (attempt.kind === 'granted') throw new Error(`${name} was granted; before: ${[...seen].join(' | ')}`);
      const said = attempt.kind === 'unavailable' ? attempt.message : attempt.kind;
      seen.add(said);
      return attempt.kind === 'unavailable' && words.test(said) ? said : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : error}; instead: ${[...seen].join(' | ')}`);
    });
  }

  /** Acquires and releases through a server until it is stopped. */
  load(server: FaultServer, name: string, ttlMs: number): Load {
    return new Load(() => this.attempt(server, name, ttlMs));
  }

  /** What stands for a lock at each node; `null` where nothing does. */
  values(name: string): Promise<readonly (string | null)[]> {
    return Promise.all(this.cluster.redises.map(({ client }) => client.get(lockKey(name))));
  }

  /** Resolves when a lock stands at exactly so many nodes. */
  async stands(name: string, count: number, withinMs = PATIENCE_MS): Promise<void> {
    let last: readonly (string | null)[] = [];
    await eventually(withinMs, `${name} at ${count} nodes`, async () => {
      last = await this.values(name);
      return last.filter((value) => value !== null).length === count || undefined;
    }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : error}; it is ${JSON.stringify(last)}`);
    });
  }

  /** Ends a test: the checker finds nothing in what was done and believed, nor in what is left (I1, I3, I4, I6, I10, I11). */
  async finish(): Promise<void> {
    for (const redis of this.cluster.redises) redis.resume();
    for (const proxy of this.#proxies) proxy.heal();
    try {
      await Promise.all(this.beliefs.alive.map((holding) => holding.release()));
      const { figures, violations } = this.beliefs.judged;
      expect(violations).to.deep.equal([]);
      if (figures.grants > 1) process.stdout.write(`      ${inFigures(figures)}\n`);
      await this.#nothingLeft();
    } finally {
      await this.cluster.stop();
      await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    }
  }

  async #nothingLeft(): Promise<void> {
    let problems: readonly string[] = [];
    await eventually(PATIENCE_MS, 'nothing left', async () => {
      const living = this.cluster.redises.filter(({ pid }) => isAlive(pid));
      const { judged } = this.beliefs;
      const before = judged.violations.length;
      // Some tests use names that no client of theirs acquires.
      judged.keysLeft((await Promise.all(living.map(leftovers))).flat(), { names: Infinity, ballotMs: BALLOT_MS });
      problems = judged.violations.slice(before);
      return problems.length === 0 || undefined;
    }).catch(() => {
      throw new Error(problems.join('\n'));
    });
  }
}

/** A client that takes a lock and gives it back, again and again. */
export class Load {
  #grants = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(private readonly attempt: () => Promise<Attempt>) {
    this.#running = this.#run();
  }

  get grants(): number {
    return this.#grants;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const attempt = await this.attempt();
      if (attempt.kind === 'granted') {
        await attempt.holding.release();
        this.#grants += 1;
      }
      // The pace of this load, which nothing waits for.
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 10));
    }
  }
}

export function lockKey(name: string): string {
  return `holdfast:default:lock:${name}`;
}

/** The default: how long a ballot is kept. */
export const BALLOT_MS = 600_000;
const BOOKKEEPING = /^holdfast\0[^\0]+\0(adm|cfg|now|mark|ttl|want)$/;

function kindOf(key: string): KeyLeft['kind'] {
  if (BOOKKEEPING.test(key)) return 'own';
  if (!key.includes('\0')) return 'lock';
  return key.endsWith('\0b') ? 'ballot' : 'other';
}

/** Everything that a node has. */
export async function leftovers({ client, port }: RedisServer): Promise<readonly KeyLeft[]> {
  const keys = await client.keys('*');
  return Promise.all(
    keys.map(async (key) => {
      const kind = kindOf(key);
      const leftMs = await client.pttl(key);
      const expiresInMs = leftMs < 0 ? undefined : leftMs;
      return { node: `redis at ${port}`, key: key.replaceAll('\0', ' '), kind, expiresInMs };
    }),
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
