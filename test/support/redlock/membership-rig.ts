import { expect } from 'chai';
import {
  Membership,
  type MembershipEvent,
  type MembershipPorts,
} from '../../../server/src/store/redlock/coordinator/membership.js';
import type { NodeErrand } from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { quarantineMs, type RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import { VirtualClock } from '../virtual-clock.js';
import { ModelNode } from './model-node.js';
import { ModelRedis } from './model-redis.js';
import { redlockSettings } from './model-settings.js';
import { ServerClock } from './server-clock.js';

/** Short times, so that a wait is a few seconds of virtual time. */
export const QUICK = { maxTtlMs: 2_000, windowMs: 500 };

/** One server's view of the nodes, and what it made known. */
export class MembershipServer {
  readonly clock: ServerClock;
  readonly nodes: readonly ModelNode[];
  readonly membership: Membership;
  readonly events: MembershipEvent[] = [];
  readonly fatal: string[] = [];
  #nonce: number;

  constructor(world: VirtualClock, redises: readonly ModelRedis[], settings: RedlockSettings, seed: number) {
    this.#nonce = seed * 1_000;
    this.clock = new ServerClock(world);
    const { inbox } = this.clock;
    this.nodes = redises.map((redis) => new ModelNode(redis, settings, { inbox, serverId: `server-${seed}` }));
    const ports: MembershipPorts = {
      clock: this.clock,
      random: { bytes: (count) => this.#bytes(count), unit: () => 0.5 },
      events: { event: (event) => this.events.push(event), fatal: (problem) => this.fatal.push(problem) },
      cameBack: () => undefined,
      trusted: () => undefined,
      released: () => undefined,
      wanted: () => undefined,
    };
    this.membership = new Membership(settings, this.nodes, ports);
    this.membership.open();
  }

  votes(): readonly boolean[] {
    return this.nodes.map((_, index) => this.membership.mayVote(index));
  }

  kinds(): readonly MembershipEvent['kind'][] {
    return this.events.map(({ kind }) => kind);
  }

  count(kind: MembershipEvent['kind']): number {
    return this.kinds().filter((other) => other === kind).length;
  }

  /** A call like those that keep leases: from now on the nodes are watched closely. */
  holdLeases(): void {
    this.nodes.forEach((node, index) => {
      const sentMs = this.clock.nowMs();
      node.batch({ verb: 'extend', entries: [] }, (reply) => {
        if (reply.kind !== 'fault') this.membership.observed(index, reply.standing, sentMs, this.clock.nowMs());
      });
    });
  }

  #bytes(count: number): Uint8Array {
    this.#nonce += 1;
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(0, this.#nonce);
    return bytes;
  }
}

/** Some nodes, and as many servers as a test starts. */
export class MembershipRig {
  readonly world = new VirtualClock();
  readonly settings: RedlockSettings;
  readonly redises: readonly ModelRedis[];
  #servers = 0;

  constructor(size = 5, changed: Partial<RedlockSettings> = {}) {
    this.settings = redlockSettings({ ...QUICK, ...changed });
    this.redises = Array.from({ length: size }, (_, index) => new ModelRedis(this.world, `redis-${index + 1}`));
  }

  get waitMs(): number {
    return quarantineMs(this.settings, 0);
  }

  redis(index: number): ModelRedis {
    const redis = this.redises[index];
    if (redis === undefined) throw new RangeError(`there is no node ${index}`);
    return redis;
  }

  server(changed: Partial<RedlockSettings> = {}): MembershipServer {
    this.#servers += 1;
    return new MembershipServer(this.world, this.redises, { ...this.settings, ...changed }, this.#servers);
  }

  /** A server on nodes that were declared new. */
  async ready(): Promise<MembershipServer> {
    const server = this.server();
    await this.world.advance(50);
    const outcome = await this.during(server.membership.declareNew());
    expect(outcome.kind).to.equal('done');
    await this.world.advance(200);
    expect(server.membership.obstacle()).to.equal(undefined);
    server.events.splice(0);
    return server;
  }

  /** Lets time pass until something is done. */
  async during<T>(promise: Promise<T>, withinMs = 5_000): Promise<T> {
    const settled: { value: T }[] = [];
    const kept = promise.then((value) => settled.push({ value }));
    for (let passedMs = 0; settled.length === 0 && passedMs < withinMs; passedMs += 10) await this.world.advance(10);
    expect(settled, 'done in time').to.have.length(1);
    await kept;
    return promise;
  }

  /** How long until it holds, looking every `stepMs`. */
  async until(holds: () => boolean, withinMs: number, stepMs = 5): Promise<number> {
    const fromMs = this.world.nowMs();
    while (!holds() && this.world.nowMs() - fromMs < withinMs) await this.world.advance(stepMs);
    expect(holds(), `within ${withinMs} ms`).to.equal(true);
    return this.world.nowMs() - fromMs;
  }
}

/** Errands of one kind that go by, counted. */
export function countErrands(node: ModelNode, kind: NodeErrand['kind']): () => number {
  const send = node.errand.bind(node);
  let count = 0;
  node.errand = (errand, answered) => {
    if (errand.kind === kind) count += 1;
    send(errand, answered);
  };
  return () => count;
}
