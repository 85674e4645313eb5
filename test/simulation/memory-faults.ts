import { resourceKey } from '../../server/src/core/names.js';
import { LockKeys } from '../../server/src/store/redlock/coordinator/keys.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import { BALLOT_PREFIX, BOOKKEEPING, ballotKey } from '../support/redlock/script-context.js';
import { LONGEST_STAND_TTLS, RUN_APART, TOO_FAST } from './clock-faults.js';
import type { Cluster } from './link-faults.js';
import type { SeededRandom } from './seeded-random.js';
import type { FaultKind } from './stage.js';

/** A node's clock stays so near to the true time: a step back never undoes a whole quarantine. */
const SMALL_STEP_MS = 90;
const LARGEST_STEP_WINDOWS = 1.5;
/** By so much more than ballots last the nodes' common idea of the time is wrong. */
const FURTHER_MS = 100;
/** For so long at most; it is set right soon after each node has seen it. */
const LONGEST_LEAP_MS = 1_500;
const SEEN_MS = 300;
const LOOK_EVERY_MS = 2;
const STRAY_US = 3_600_000_000;

/** What befalls single keys of Redis processes, and the clocks that keys live by. */
export class MemoryFaults {
  readonly kinds: readonly FaultKind[];
  readonly #offsets = new Map<ModelRedis, number>();
  /** Resources of which one node has a ballot that no clock explains. */
  readonly #strayed = new Set<string>();
  /** When locks of a resource went before their time. */
  readonly #evictedMs = new Map<string, number>();
  /** When locks of one node came nearer to their end, and by how much. */
  readonly #steps: { readonly atMs: number; readonly byMs: number }[] = [];
  /** The last moment at which a node's clock ran, or will have run, further off than is allowed. */
  #beyondUntilMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly cluster: Cluster) {
    const step: FaultKind = { name: 'stepClock', weight: 8, strike: (random) => this.#stepClock(random) };
    const runOff: FaultKind = { name: 'runOffRedis', weight: 8, strike: (random) => this.#runOff(random) };
    const leap: FaultKind = { name: 'leapTogether', weight: 4, strike: (random) => this.#leapTogether(random) };
    const clocks = { none: [], walls: [], 'small steps': [step], steps: [step], leaps: [leap, step], rates: [runOff] };
    const evict: FaultKind = { name: 'evict', weight: 8, strike: (random) => this.#evict(random) };
    this.kinds = [
      { name: 'sweep', weight: 2, strike: (random) => this.#sweep(random) },
      { name: 'strayBallot', weight: 2, strike: (random) => this.#strayBallot(random) },
      { name: 'evictBookkeeping', weight: 2, strike: (random) => this.#evictBookkeeping(random) },
      ...clocks[cluster.cast.clockFaults],
      ...(cluster.cast.evicts ? [evict] : []),
    ];
  }

  /**
   * Two may hold a resource of which locks were evicted; and any resource for as long as clocks that were set forward, or ran
   * off, let a lock or a quarantine end before its time.
   */
  beliefsMayMeet(resource: string, forMs: number): boolean {
    const standsMs = LONGEST_STAND_TTLS * this.cluster.cast.maxTtlMs;
    const sinceMs = this.cluster.world.nowMs - standsMs;
    if ((this.#evictedMs.get(resource) ?? Number.NEGATIVE_INFINITY) >= sinceMs) return true;
    if (this.#beyondUntilMs >= sinceMs && forMs <= RUN_APART * standsMs) return true;
    const stepsMs = this.#steps.reduce((sum, { atMs, byMs }) => sum + (atMs >= sinceMs ? byMs : 0), 0);
    return stepsMs > 0 && forMs <= stepsMs;
  }

  #stepClock(random: SeededRandom): boolean {
    const { cast, redises, world } = this.cluster;
    const most = cast.clockFaults === 'steps' ? LARGEST_STEP_WINDOWS * cast.windowMs : SMALL_STEP_MS;
    const wrong = [...this.#offsets.keys()];
    // A majority that is wrong is more than is promised to be borne: then one is set right.
    const redis = random.pick(2 * (wrong.length + 1) < redises.length ? redises : wrong);
    const offsetMs = random.chance(0.3) ? 0 : random.between(-most, most);
    const byMs = offsetMs - (this.#offsets.get(redis) ?? 0);
    if (offsetMs === 0) this.#offsets.delete(redis);
    else this.#offsets.set(redis, offsetMs);
    world.note(redis.id, `has its clock stepped by ${byMs.toFixed()} ms`);
    redis.stepClock(byMs);
    if (byMs > 0) this.#steps.push({ atMs: world.nowMs, byMs });
    if (random.chance(0.5)) redis.sweep(() => random.chance(0.5));
    return true;
  }

  /**
   * Whoever tells all nodes the time is wrong for a while, by more than ballots last. A node that has accepted something meanwhile
   * knows that it had been later. One that has not is sure to have lost its admission with its ballots, which last longer.
   */
  #leapTogether(random: SeededRandom): boolean {
    const { cast, redises, troubles, world } = this.cluster;
    const what = 'all nodes are told a wrong time';
    const byMs = cast.ballotMs + random.between(0, FURTHER_MS);
    const leaptUs = new Map(redises.map((redis) => [redis, redis.clockUs + 1_000 * byMs]));
    const hasSeen = (redis: ModelRedis): boolean =>
      Number(redis.keys.get(BOOKKEEPING.highestUs) ?? 0) >= (leaptUs.get(redis) ?? 0);
    const begin = (): void => {
      for (const redis of redises) redis.stepClock(byMs);
      this.#steps.push({ atMs: world.nowMs, byMs });
      if (random.chance(0.5)) for (const redis of redises) redis.sweep(() => random.chance(0.5));
      look();
    };
    const look = (): void => {
      if (redises.every(hasSeen)) world.after(random.between(0, SEEN_MS), () => void troubles.end(what));
      else if (!troubles.over) world.after(LOOK_EVERY_MS, () => (troubles.has(what) ? look() : undefined));
    };
    return troubles.during(what, LONGEST_LEAP_MS, begin, () => {
      for (const redis of redises.filter((each) => !hasSeen(each))) {
        redis.keys.delete(BOOKKEEPING.admission);
        redis.keys.delete(BOOKKEEPING.mark);
        redis.witness?.forgot();
      }
      for (const redis of redises) redis.stepClock(-byMs);
    });
  }

  #runOff(random: SeededRandom): boolean {
    const { redises, troubles, world } = this.cluster;
    const redis = random.pick(redises);
    const forMs = random.between(200, 3_000);
    const off = random.between(-TOO_FAST, TOO_FAST);
    const usual = redis.rate;
    return troubles.during(
      `${redis.id} has a clock that runs off`,
      forMs,
      () => {
        world.note(redis.id, `has a clock that is ${(100 * off).toFixed(1)} % too fast`);
        this.#beyondUntilMs = Math.max(this.#beyondUntilMs, world.nowMs + forMs);
        redis.setRate(1 + off);
      },
      () => redis.setRate(usual),
    );
  }

  #sweep(random: SeededRandom): boolean {
    random.pick(this.cluster.redises).sweep(() => random.chance(0.5));
    return true;
  }

  /** Memory is short, and the node is allowed to forget: locks, and ballots that nobody has needed for long. */
  #evict(random: SeededRandom): boolean {
    const { cast, redises, world } = this.cluster;
    const redis = random.pick(redises);
    const bookkeeping = new Set<string>(Object.values(BOOKKEEPING));
    const youngestMs = cast.ballotMs - 2.5 * cast.windowMs;
    const evictable = redis.keys
      .keys()
      .filter((key) => !bookkeeping.has(key))
      .filter((key) => !key.startsWith(BALLOT_PREFIX) || redis.keys.expiresInMs(key) < youngestMs)
      .filter(() => random.chance(0.5));
    if (evictable.length === 0) return false;
    world.note(redis.id, `evicts ${evictable.length} keys`);
    for (const key of evictable) {
      redis.keys.delete(key);
      if (!key.startsWith(BALLOT_PREFIX)) this.#evictedMs.set(key.slice(key.lastIndexOf(':') + 1), world.nowMs);
    }
    redis.evictedKeys += evictable.length;
    return true;
  }

  /** What is left of a time that was an hour later, at one node: it is of no use for that resource, and the others do without. */
  #strayBallot(random: SeededRandom): boolean {
    const { cast, redises, settings, world } = this.cluster;
    const redis = random.pick(redises);
    const name = random.pick(cast.resources);
    if (this.#strayed.has(name)) return false;
    this.#strayed.add(name);
    world.note(redis.id, 'finds a ballot that is an hour ahead', name);
    const lock = new LockKeys(settings.keyTemplate).keyOf(resourceKey('default', name));
    redis.keys.set(ballotKey(lock), String(redis.clockUs + STRAY_US), cast.ballotMs);
    return true;
  }

  #evictBookkeeping(random: SeededRandom): boolean {
    const { redises, world } = this.cluster;
    const redis = random.pick(redises);
    world.note(redis.id, 'loses its admission');
    return redis.keys.delete(random.pick([BOOKKEEPING.admission, BOOKKEEPING.mark]));
  }
}
