import { resourceKey } from '../../server/src/core/names.js';
import type { RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import type { RedlockCast } from './redlock-cast.js';
import type { LinkDirection, RedlockServer } from './redlock-server.js';
import type { SeededRandom } from './seeded-random.js';
import type { FaultKind, StageParts } from './stage.js';

const HOUR_MS = 3_600_000;
const LINK_DIRECTIONS: readonly LinkDirection[] = ['requests', 'replies', 'both'];

/** Answers so late are waited for all the same. */
const LATE_ANSWER_MS = 25;

/** The servers of a cluster, its nodes, and where they all are. */
export interface Cluster extends StageParts<RedlockCast> {
  readonly servers: readonly RedlockServer[];
  readonly redises: readonly ModelRedis[];
  readonly settings: RedlockSettings;
}

/** What befalls messages between servers and nodes. */
export class LinkFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'cutLink', weight: 8, strike: (random) => this.#cutLink(random) },
    { name: 'loseSome', weight: 5, strike: (random) => this.#loseSome(random) },
    { name: 'cutSome', weight: 5, strike: (random) => this.#cutSome(random) },
    { name: 'isolate', weight: 4, strike: (random) => this.#isolate(random) },
    { name: 'slowLink', weight: 6, strike: (random) => this.#slowLink(random) },
    { name: 'slowServer', weight: 5, strike: (random) => this.#slowServer(random) },
    { name: 'loseAnswers', weight: 4, strike: (random) => this.#loseAnswers(random) },
    { name: 'duplicate', weight: 4, strike: (random) => this.#duplicate(random) },
    { name: 'farBid', weight: 4, strike: (random) => this.#farBid(random) },
    { name: 'misdirect', weight: 1, strike: (random) => this.#misdirect(random) },
  ];

  constructor(private readonly cluster: Cluster) {}

  #cutLink(random: SeededRandom): boolean {
    return this.#cut(random, random.pick(this.cluster.servers), random.between(20, 2 * this.cluster.cast.maxTtlMs));
  }

  /** What was sent in a short while is lost, and with it the connection it was sent on. */
  #loseSome(random: SeededRandom): boolean {
    return this.#cut(random, random.pick(this.cluster.servers), random.between(0.5, 10));
  }

  /** A server loses several nodes at once, up to all but a quorum or more. */
  #cutSome(random: SeededRandom): boolean {
    const { redises, servers, cast } = this.cluster;
    const server = random.pick(servers);
    const forMs = random.chance(0.5) ? random.between(1, 100) : random.between(20, cast.maxTtlMs);
    let struck = false;
    for (let count = Math.ceil(random.unit() * redises.length); count > 0; count -= 1) {
      struck = this.#cut(random, server, forMs) || struck;
    }
    return struck;
  }

  /** A server loses all nodes for longer than a lease lives, while others go on. */
  #isolate(random: SeededRandom): boolean {
    const { cast, redises, servers, troubles } = this.cluster;
    const server = random.pick(servers);
    const direction = random.pick(LINK_DIRECTIONS);
    return troubles.during(
      `${server.process.name} | all nodes (${direction})`,
      random.between(0.5, 3) * cast.maxTtlMs,
      () => redises.forEach((_, node) => void server.cut(node, direction)),
      () => redises.forEach((_, node) => void server.heal(node)),
    );
  }

  #cut(random: SeededRandom, server: RedlockServer, forMs: number): boolean {
    const { redises, troubles } = this.cluster;
    const node = Math.floor(random.unit() * redises.length);
    const direction = random.pick(LINK_DIRECTIONS);
    return troubles.during(
      `${server.process.name} | ${redises[node]?.id} (${direction})`,
      forMs,
      () => server.cut(node, direction),
      () => server.heal(node),
    );
  }

  #slowLink(random: SeededRandom): boolean {
    const { redises, servers, troubles, cast } = this.cluster;
    const server = random.pick(servers);
    const node = Math.floor(random.unit() * redises.length);
    const delayMs = random.chance(0.6) ? random.between(5, 60) : random.between(60, 2 * cast.maxTtlMs);
    return troubles.during(
      `${server.process.name} - ${redises[node]?.id} is slow (${delayMs.toFixed()} ms)`,
      random.between(100, 2_000),
      () => server.slow(node, 'both', delayMs),
      () => server.slow(node, 'both'),
    );
  }

  /** As if its machine were far away, or busy. */
  #slowServer(random: SeededRandom): boolean {
    const { redises, servers, troubles } = this.cluster;
    const server = random.pick(servers);
    const direction = random.pick(LINK_DIRECTIONS);
    const delayMs = random.chance(0.6) ? random.between(5, 60) : random.between(60, 400);
    return troubles.during(
      `${server.process.name} is slow (${direction}, ${delayMs.toFixed()} ms)`,
      random.between(100, 2_000),
      () => redises.forEach((_, node) => void server.slow(node, direction, delayMs)),
      () => redises.forEach((_, node) => void server.slow(node, direction)),
    );
  }

  /** What was asked is done, and before the answers arrive the connections end. */
  #loseAnswers(random: SeededRandom): boolean {
    const { redises, servers, troubles } = this.cluster;
    const server = random.pick(servers);
    const nodes = redises.map((_, node) => node).filter(() => random.chance(0.8));
    return troubles.during(
      `${server.process.name} loses answers`,
      random.between(1, LATE_ANSWER_MS),
      () => {
        for (const node of nodes) server.slow(node, 'replies', 2 * LATE_ANSWER_MS);
      },
      () => {
        for (const node of nodes) {
          server.slow(node, 'replies');
          server.disconnect(node);
        }
      },
    );
  }

  #duplicate(random: SeededRandom): boolean {
    const { redises, servers, troubles } = this.cluster;
    const server = random.pick(servers);
    const share = random.between(0.05, 0.5);
    return troubles.during(
      `${server.process.name} sends things twice`,
      random.between(100, 2_000),
      () => redises.forEach((_, node) => void server.duplicate(node, share)),
      () => redises.forEach((_, node) => void server.duplicate(node, 0)),
    );
  }

  /** A server whose idea of the time is wrong by much more than the window. */
  #farBid(random: SeededRandom): boolean {
    const { cast, redises, servers, world } = this.cluster;
    const server = random.pick(servers);
    const name = random.pick(cast.resources);
    const farMs = random.chance(0.5) ? HOUR_MS : cast.windowMs * random.between(2, 20);
    const byMs = random.pick([-1, 1]) * farMs;
    if (!server.running || server.process.paused) return false;
    world.note(server.process.name, `proposes a token that is ${byMs.toFixed()} ms off`, name);
    redises.forEach((_, node) => {
      server.proposeAstray(node, resourceKey('default', name), 1_000 * byMs);
    });
    return true;
  }

  /** A server is started with the address of one node given for another one, too. */
  #misdirect(random: SeededRandom): boolean {
    const { network, redises, servers, troubles } = this.cluster;
    const server = random.pick(servers);
    const node = Math.floor(random.unit() * redises.length);
    const instead = random.pick(redises);
    if (instead === redises[node] || !server.running) return false;
    const down = `${server.process.name} is down`;
    return troubles.during(
      `${server.process.name} takes ${instead.id} for ${redises[node]?.id}`,
      random.between(200, 2_000),
      () => {
        troubles.end(`${server.process.name} stands still`);
        server.misdirect(node, instead);
        server.kill(network);
        server.start();
      },
      () => {
        troubles.end(`${server.process.name} stands still`);
        server.misdirect(node, undefined);
        if (troubles.has(down)) return;
        server.kill(network);
        server.start();
      },
    );
  }
}
