import type { LeaseStore } from '../../../server/src/core/store-port.js';
import { Coordinator } from '../../../server/src/store/redlock/coordinator/coordinator.js';
import type { Electorate } from '../../../server/src/store/redlock/coordinator/electorate.js';
import { quorum } from '../../../server/src/store/redlock/coordinator/quorum.js';
import type { NodeErrand } from '../../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import { Verbs } from '../../contract/verbs.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { VirtualClock } from '../virtual-clock.js';
import { ModelNode } from './model-node.js';
import { ModelRedis } from './model-redis.js';
import { redlockSettings } from './model-settings.js';

/** One server's half of the protocol. Await its verbs with `CoordinatorRig.during`. */
export interface RigServer {
  readonly coordinator: Coordinator;
  readonly nodes: readonly ModelNode[];
  readonly on: Verbs;
}

/**
 * Model Redis processes and the coordinators of some servers over them, in virtual time. Who may vote is decided by the
 * test: every node is admitted at the start, and a restarted one when `admit` is called.
 */
export class CoordinatorRig {
  readonly clock = new VirtualClock();
  readonly redises: readonly ModelRedis[];
  readonly settings: RedlockSettings;

  private constructor(size: number, changes: Partial<RedlockSettings>) {
    this.settings = redlockSettings(changes);
    this.redises = Array.from({ length: size }, (_, index) => new ModelRedis(this.clock, `redis-${index + 1}`));
  }

  /** `size` nodes, all admitted. */
  static async of(size: number, changes: Partial<RedlockSettings> = {}): Promise<CoordinatorRig> {
    const rig = new CoordinatorRig(size, changes);
    const { nodes } = await rig.server();
    for (const node of nodes) await rig.#declare(node);
    return rig;
  }

  /** One more server, connected to every node. */
  async server(): Promise<RigServer> {
    const nodes = this.redises.map((redis) => new ModelNode(redis, this.settings));
    const electorate = new RigElectorate(this.clock, this.redises, nodes);
    const ports = { clock: this.clock, random: new SeededRandom(1), electorate };
    const coordinator = new Coordinator(this.settings, nodes, ports);
    electorate.open((node) => coordinator.nodeCameBack(node));
    await this.pass(5);
    // The verbs ask for nothing else of a store.
    return { coordinator, nodes, on: new Verbs(() => coordinator as unknown as LeaseStore) };
  }

  redis(number: number): ModelRedis {
    const redis = this.redises[number - 1];
    if (redis === undefined) throw new RangeError(`there is no redis-${number}`);
    return redis;
  }

  /** Admits a node again, as its quarantine's end would. */
  async admit(number: number): Promise<void> {
    const node = new ModelNode(this.redis(number), this.settings);
    node.open({ verified: () => undefined, down: () => undefined, released: () => undefined, wanted: () => undefined });
    await this.pass(5);
    const { configuration, maxTtlMs } = this.settings;
    await this.#errand(node, { kind: 'confirm', configuration, maxTtlMs });
    await this.#errand(node, { kind: 'mark', nonce: 'test' });
    await this.#errand(node, { kind: 'admit', nonce: 'test', configuration });
    await node.close();
  }

  /** What stands for a lock at each node. */
  values(name: string): readonly (string | undefined)[] {
    const key = this.settings.keyTemplate.replace('{ns}', 'default').replace('{name}', name);
    return this.redises.map((redis) => redis.keys.get(key));
  }

  /** From now on a node's answers take so long to a server. */
  slowReplies(server: RigServer, number: number, ms: number): void {
    const node = server.nodes[number - 1];
    if (node === undefined) throw new RangeError(`there is no redis-${number}`);
    node.replyMs = () => ms;
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Runs `work` with time moving on in small steps until it is done, for at most `boundMs`. */
  async during<T>(work: Promise<T>, boundMs = 60_000): Promise<T> {
    let done = false;
    const settled = work.finally(() => {
      done = true;
    });
    settled.catch(() => undefined);
    await this.clock.settle();
    for (let passed = 0; !done; passed += 1) {
      if (passed > boundMs) throw new Error(`not done within ${boundMs} ms of virtual time`);
      await this.clock.advance(1);
    }
    return settled;
  }

  async #declare(node: ModelNode): Promise<void> {
    const { configuration, maxTtlMs } = this.settings;
    await this.#errand(node, { kind: 'mark', nonce: node.id });
    await this.#errand(node, { kind: 'declare', nonce: node.id, configuration, maxTtlMs });
  }

  #errand(node: ModelNode, errand: NodeErrand): Promise<void> {
    return this.during(
      new Promise<void>((resolve, reject) => {
        node.errand(errand, (reply) => {
          if (reply.kind === 'done') resolve();
          else reject(new Error(reply.fault.message));
        });
      }),
    );
  }
}

/** Votes count from every node that is connected; the time is the models'. */
class RigElectorate implements Electorate {
  readonly size: number;
  readonly quorum: number;
  readonly #verified = new Set<number>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly redises: readonly ModelRedis[],
    private readonly nodes: readonly ModelNode[],
  ) {
    this.size = nodes.length;
    this.quorum = quorum(nodes.length);
  }

  open(cameBack: (node: number) => void): void {
    this.nodes.forEach((node, index) => {
      node.open({
        verified: () => {
          this.#verified.add(index);
          cameBack(index);
        },
        down: () => this.#verified.delete(index),
        released: () => undefined,
        wanted: () => undefined,
      });
    });
  }

  nodeName(node: number): string {
    return this.redises[node]?.id ?? '';
  }

  reachable(node: number): boolean {
    return this.#verified.has(node);
  }

  mayVote(node: number): boolean {
    return this.#verified.has(node);
  }

  obstacle(): string | undefined {
    return undefined;
  }

  pausing(): boolean {
    return false;
  }

  confirmed(): boolean {
    return true;
  }

  medianUs(): number {
    const clocks = this.redises.map((redis) => redis.clockUs).sort((a, b) => a - b);
    return clocks[Math.floor(clocks.length / 2)] ?? this.clock.wallMs() * 1_000;
  }

  observed(): void {
    // The models' time is known without asking.
  }
}
