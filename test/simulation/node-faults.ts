import { resourceKey } from '../../server/src/core/names.js';
import { quarantineMs } from '../../server/src/store/redlock/coordinator/settings.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import { BOOKKEEPING } from '../support/redlock/script-context.js';
import type { Cluster } from './link-faults.js';
import type { RedlockServer } from './redlock-server.js';
import type { SeededRandom } from './seeded-random.js';
import type { FaultKind } from './stage.js';

/** Servers look again and again at a node that waits, and not all the time. */
const LAST_OF_A_WAIT_MS = 1_000;

/** What befalls Redis processes. */
export class NodeFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'restartRedis', weight: 9, strike: (random) => this.#restartRedis(random) },
    { name: 'wipeRedis', weight: 3, strike: (random) => this.#wipeRedis(random) },
    { name: 'wipeInTurn', weight: 2, strike: (random) => this.#wipeInTurn(random) },
    { name: 'wipeTwice', weight: 2, strike: (random) => this.#wipeTwice(random) },
    { name: 'leap', weight: 1, strike: (random) => this.#leapOnce(random) },
    { name: 'leapLater', weight: 2, strike: (random) => this.#leapLater(random) },
    { name: 'pauseRedis', weight: 6, strike: (random) => this.#pauseRedis(random) },
    { name: 'outOfMemory', weight: 3, strike: (random) => this.#outOfMemory(random) },
    { name: 'failing', weight: 3, strike: (random) => this.#failing(random) },
    { name: 'otherHistory', weight: 2, strike: (random) => this.#otherHistory(random) },
    { name: 'resetNode', weight: 2, strike: (random) => this.#resetNode(random) },
    { name: 'forgetLocks', weight: 1, strike: (random) => this.#forgetLocks(random) },
  ];

  constructor(private readonly cluster: Cluster) {}

  #restartRedis(random: SeededRandom): boolean {
    const { maxTtlMs } = this.cluster.cast;
    const redis = random.pick(this.cluster.redises);
    const memory = random.chance(0.7) ? 'empty' : 'kept';
    const forMs = random.chance(0.5) ? random.between(0, 50) : random.between(50, 2 * maxTtlMs);
    return this.#restart(redis, memory, forMs);
  }

  #restart(redis: ModelRedis, memory: 'empty' | 'kept', forMs: number): boolean {
    const { troubles, world } = this.cluster;
    return troubles.during(
      `${redis.id} is down`,
      forMs,
      () => {
        troubles.end(`${redis.id} stands still`);
        redis.stop();
      },
      () => {
        world.note(redis.id, `starts, memory ${memory}`);
        redis.start(memory);
      },
    );
  }

  #wipeRedis(random: SeededRandom): boolean {
    this.#wipe(random.pick(this.cluster.redises));
    return true;
  }

  #wipe(redis: ModelRedis): void {
    this.cluster.world.note(redis.id, 'is flushed');
    redis.wipe();
  }

  /** One node after the other loses its memory: as each is about to vote again, or at any time. */
  #wipeInTurn(random: SeededRandom): boolean {
    const { cast, redises, settings, troubles, world } = this.cluster;
    const isRestart = random.chance(0.5);
    const pauseMs = random.chance(0.5) ? random.between(10, 500) : quarantineMs(settings, cast.maxTtlMs) + 100;
    const order = random.shuffled(redises).slice(0, Math.ceil(random.unit() * redises.length));
    let next = 0;
    let going = true;
    const strike = (): void => {
      const redis = order[next];
      if (!going || redis === undefined) return;
      next += 1;
      if (isRestart) this.#restart(redis, 'empty', random.between(0, 50));
      else this.#wipe(redis);
      world.after(pauseMs * random.between(0.9, 1.3), strike);
    };
    return troubles.during('nodes lose their memory in turn', 1.3 * order.length * pauseMs + 1, strike, () => {
      going = false;
    });
  }

  /** A node that waits for its vote loses its memory once more, shortly before the wait is over. */
  #wipeTwice(random: SeededRandom): boolean {
    const { cast, redises, settings, troubles, world } = this.cluster;
    const redis = random.pick(redises);
    const againMs = quarantineMs(settings, cast.maxTtlMs) - random.between(0, LAST_OF_A_WAIT_MS);
    this.#wipe(redis);
    world.after(againMs, () => {
      if (!troubles.over) this.#wipe(redis);
    });
    return true;
  }

  #leapOnce(random: SeededRandom): boolean {
    return this.#leap(random.pick(this.cluster.redises));
  }

  /**
   * Before anybody sees it the clock is right again, and whatever has an end has ended. Locks alone, as on a node that has no
   * vote to lose with them, are more than is promised to be borne.
   */
  #leap(redis: ModelRedis): boolean {
    if (redis.keys.get(BOOKKEEPING.admission) !== redis.identity) return false;
    this.cluster.world.note(redis.id, 'has its clock leap far ahead and back');
    for (const key of redis.keys.keys()) if (redis.keys.expiresInMs(key) >= 0) redis.keys.delete(key);
    redis.witness?.forgot();
    return true;
  }

  /** A server does not see that a node it waits for has its vote, nor how the node loses it again. */
  #leapLater(random: SeededRandom): boolean {
    const { cast, redises, servers, settings, troubles, world } = this.cluster;
    const redis = random.pick(redises);
    const node = redises.indexOf(redis);
    const server = random.pick(servers);
    const waitMs = quarantineMs(settings, cast.maxTtlMs);
    const leapMs = waitMs + random.between(100, 400);
    this.#wipe(redis);
    const hiddenMs = waitMs - random.between(50, 300);
    world.after(hiddenMs, () => {
      if (!troubles.over) this.#hide(node, server, leapMs + 1 - hiddenMs);
    });
    world.after(leapMs, () => {
      if (!troubles.over) this.#leap(redis);
    });
    return true;
  }

  #hide(node: number, server: RedlockServer, forMs: number): void {
    const { redises, troubles } = this.cluster;
    troubles.during(
      `${server.process.name} | ${redises[node]?.id} (both)`,
      forMs,
      () => server.cut(node, 'both'),
      () => {
        server.heal(node);
        server.disconnect(node);
      },
    );
  }

  #pauseRedis(random: SeededRandom): boolean {
    const { cast, redises, troubles } = this.cluster;
    const redis = random.pick(redises);
    if (troubles.has(`${redis.id} is down`)) return false;
    return troubles.during(
      `${redis.id} stands still`,
      random.chance(0.4) ? random.between(5, 100) : random.between(10, 3 * cast.maxTtlMs),
      () => redis.pause(),
      () => redis.resume(),
    );
  }

  #outOfMemory(random: SeededRandom): boolean {
    const { redises, troubles } = this.cluster;
    const redis = random.pick(redises);
    return troubles.during(
      `${redis.id} is out of memory`,
      random.between(20, 1_500),
      () => {
        redis.outOfMemory = true;
      },
      () => {
        redis.outOfMemory = false;
      },
    );
  }

  #failing(random: SeededRandom): boolean {
    const { redises, troubles } = this.cluster;
    const redis = random.pick(redises);
    const kind = random.pick(['cannot_persist', 'read_only', 'error'] as const);
    return troubles.during(
      `${redis.id} fails (${kind})`,
      random.between(20, 1_500),
      () => {
        redis.failing = { kind, message: 'fails for a while' };
      },
      () => {
        redis.failing = undefined;
      },
    );
  }

  /** A promotion, or a first replica; servers look at that from time to time. */
  #otherHistory(random: SeededRandom): boolean {
    const { redises, world } = this.cluster;
    const redis = random.pick(redises);
    world.note(redis.id, 'has another history');
    redis.changeHistory();
    world.after(random.between(0, 1_000), () => redis.recheck());
    return true;
  }

  /** An operator's order: it forgets what it knows of tokens, as a wipe would, and its locks stay. */
  #resetNode(random: SeededRandom): boolean {
    const { redises, servers, world } = this.cluster;
    const { id } = random.pick(redises);
    const { store } = random.pick(servers);
    if (store === undefined) return false;
    world.note(id, 'is reset by an operator');
    void store.nodes.reset(id);
    return true;
  }

  /** An operator's order: locks that outlast every lease there could be are deleted. */
  #forgetLocks(random: SeededRandom): boolean {
    const { cast, servers, world } = this.cluster;
    const name = random.pick(cast.resources);
    const { store } = random.pick(servers);
    if (store === undefined) return false;
    world.note('operator', `forgets locks of ${name} that have no end`, name);
    void store.nodes.forget(resourceKey('default', name), false);
    return true;
  }
}
