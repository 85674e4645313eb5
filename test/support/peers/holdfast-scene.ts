import { Session } from '../../../client/src/session/session.js';
import { readFailure } from '../../../client/src/transport/failure-details.js';
import { ServerCore } from '../../../server/src/core/server-core.js';
import { RedlockStore } from '../../../server/src/store/redlock/coordinator/redlock-store.js';
import { AnswerWatch } from '../../history/answer-watch.js';
import { History } from '../../history/history.js';
import { QueueWatch } from '../../history/queue-watch.js';
import { SimNetwork } from '../../simulation/network.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { SimProcess } from '../../simulation/sim-process.js';
import { World } from '../../simulation/world.js';
import { RecordedTelemetry, SETTINGS } from '../core-rig.js';
import { ModelNode } from '../redlock/model-node.js';
import { ModelRedis } from '../redlock/model-redis.js';
import { redlockSettings } from '../redlock/model-settings.js';
import { type Plan, Stay } from './stay.js';

/** Time for a cluster to be declared, and for clients to be connected. */
const BEGINNING_MS = 500;
const TRUE_CLOCK = { rate: 1, startMs: 1_000 };

interface Server {
  readonly process: SimProcess;
  readonly core: ServerCore;
}

/** A server of a cluster, with one client of its own. */
export interface Pair {
  /** The server's way to every node. */
  readonly nodes: readonly ModelNode[];
  readonly store: RedlockStore;
  readonly client: Session;
  readonly clock: SimProcess;
}

/** Servers over model Redis nodes, each with a client, in the situations of `PeerScene`. */
export class HoldfastScene {
  readonly world = new World(new SeededRandom(1));
  readonly history = new History(this.world);
  readonly #redises: readonly ModelRedis[];
  readonly #network = new SimNetwork(
    this.world,
    new SeededRandom(2),
    (client) => this.history.checkBeliefs(client),
    new QueueWatch(this.history.queues),
    new AnswerWatch((guarantee, what, resource) => this.history.violated(guarantee, what, resource)),
  );

  constructor(size: number) {
    const clock = { nowMs: () => this.world.nowMs, after: this.world.after.bind(this.world) };
    this.#redises = Array.from({ length: size }, (_, index) => new ModelRedis(clock, `redis-${index + 1}`));
    this.#network.maxDelayMs = 0.1;
  }

  /** Three servers with a client each, the cluster declared, everybody connected. */
  async begin(): Promise<readonly [Pair, Pair, Pair]> {
    const pairs = [this.#pair(1), this.#pair(2), this.#pair(3)] as const;
    this.world.at(50, () => void pairs[0].store.nodes.declareNew());
    await this.world.runUntil(BEGINNING_MS);
    return pairs;
  }

  /** Somebody takes a lease, relies on it until it is lost or no longer wanted, and gives it back. */
  stay(who: string, { client, clock }: Pair, plan: Plan): Stay {
    const stay = new Stay(this.history, this.world, who, plan);
    const spec = { name: plan.resource, ttlMs: plan.ttlMs, manualExtension: false, traceparent: '', tracestate: '' };
    client.acquire(spec, plan.waitMs, {
      granted: (lease) => {
        const [token = 0n] = lease.tokens;
        stay.begins(token, () => lease.deadline.remainingMs(clock));
        lease.listener = (_state, error) => {
          if (error !== undefined) stay.isToldOfLoss(lease.deadline.remainingMs(clock));
        };
        this.world.after(plan.forMs, () => {
          stay.ends();
          void client.leases.release(lease);
        });
      },
      denied: () => stay.ends(),
      failed: () => stay.ends(),
    });
    return stay;
  }

  /** Does things at their times after the beginning, and lets time pass until all is over. */
  async play(untilMs: number, acts: Readonly<Record<number, () => void>>): Promise<void> {
    const startMs = this.world.nowMs;
    for (const [atMs, act] of Object.entries(acts)) this.world.at(startMs + Number(atMs), act);
    await this.world.runUntil(startMs + untilMs);
    this.history.finish();
  }

  #pair(number: number): Pair {
    const { world } = this;
    const settings = redlockSettings();
    const serverProcess = new SimProcess(world, `server-${number}`, TRUE_CLOCK);
    const nodes = this.#redises.map((redis) => new ModelNode(redis, settings, { serverId: serverProcess.name }));
    const random = new SeededRandom(10 + number);
    const events = { event: () => undefined, fatal: () => undefined };
    const store = new RedlockStore(settings, nodes, { clock: serverProcess, random, events });
    const core = new ServerCore(
      { ...SETTINGS, serverId: serverProcess.name },
      { store, clock: serverProcess, random, telemetry: new RecordedTelemetry() },
    );
    store.open();
    const clock = new SimProcess(world, `client-${number}`, TRUE_CLOCK);
    return { nodes, store, client: this.#client(clock, { process: serverProcess, core }, random), clock };
  }

  #client(clock: SimProcess, server: Server, random: SeededRandom): Session {
    const transport = this.#network.transport(clock, [server]);
    const client = new Session(
      { clock, random, transport, readFailure, engaged: () => undefined },
      {
        clientName: clock.name,
        namespace: '',
        abortMarginMs: undefined,
        attemptTimeoutMs: 1_000,
        maxBackoffMs: 500,
        answerTimeoutMs: 200,
        closeTimeoutMs: 2_000,
      },
      () => undefined,
    );
    client.start();
    return client;
  }
}

/** From now on a server's calls get to each node after that time. */
export function requestsTake(nodes: readonly ModelNode[], requestMs: readonly number[]): void {
  nodes.forEach((node, index) => {
    node.requestMs = () => requestMs[index] ?? 0;
  });
}

/** From now on nothing gets through from a server to these nodes: connections are lost and not made, or fall silent. */
export function loseNodes(nodes: readonly ModelNode[], how: 'refused' | 'not answered'): void {
  for (const node of nodes) {
    node.cut('both');
    if (how === 'refused') node.reconnect();
  }
}
