import { resourceKey } from '../../server/src/core/names.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import type { FaultKind, NemesisParts } from './redlock-nemesis.js';
import type { Troubles } from './troubles.js';

/** A node's clock stays so near to the true time: a step back never undoes a whole quarantine. */
const SMALL_STEP_MS = 90;
const LARGEST_STEP_WINDOWS = 1.5;

/** What befalls Redis processes, their memory and their clocks. */
export class NodeFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'restartRedis', weight: 9, strike: () => this.#restartRedis() },
    { name: 'wipeRedis', weight: 3, strike: () => this.#wipeRedis() },
    { name: 'pauseRedis', weight: 6, strike: () => this.#pauseRedis() },
    { name: 'stepClock', weight: 6, strike: () => this.#stepClock() },
    { name: 'outOfMemory', weight: 3, strike: () => this.#outOfMemory() },
    { name: 'failing', weight: 3, strike: () => this.#failing() },
    { name: 'otherHistory', weight: 2, strike: () => this.#otherHistory() },
    { name: 'sweep', weight: 2, strike: () => this.#sweep() },
    { name: 'resetNode', weight: 2, strike: () => this.#resetNode() },
    { name: 'forgetLocks', weight: 1, strike: () => this.#forgetLocks() },
  ];
  readonly #offsets = new Map<ModelRedis, number>();
  #leaptMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: NemesisParts,
    private readonly troubles: Troubles,
  ) {}

  /** When a clock was last set forward, so that locks ended before their time. */
  get leaptMs(): number {
    return this.#leaptMs;
  }

  #restartRedis(): void {
    const { maxTtlMs, random, world } = this.parts;
    const redis = random.pick(this.parts.redises);
    const memory = random.chance(0.7) ? 'empty' : 'kept';
    const forMs = random.chance(0.5) ? random.between(0, 50) : random.between(50, 2 * maxTtlMs);
    this.troubles.during(
      `${redis.id} is down`,
      forMs,
      () => {
        this.troubles.end(`${redis.id} stands still`);
        redis.stop();
      },
      () => {
        world.note(redis.id, `starts, memory ${memory}`);
        redis.start(memory);
      },
    );
  }

  #wipeRedis(): void {
    const redis = this.parts.random.pick(this.parts.redises);
    this.parts.world.note(redis.id, 'is flushed');
    redis.wipe();
  }

  #pauseRedis(): void {
    const { maxTtlMs, random, redises } = this.parts;
    const redis = random.pick(redises);
    if (this.troubles.has(`${redis.id} is down`)) return;
    this.troubles.during(
      `${redis.id} stands still`,
      random.between(10, 3 * maxTtlMs),
      () => redis.pause(),
      () => redis.resume(),
    );
  }

  #stepClock(): void {
    const { clockFaults, random, redises, windowMs, world } = this.parts;
    if (clockFaults === 'none') return;
    const most = clockFaults === 'steps' ? LARGEST_STEP_WINDOWS * windowMs : SMALL_STEP_MS;
    const wrong = [...this.#offsets.keys()];
    // A majority that is wrong is more than is promised to be borne: then one is set right.
    const redis = random.pick(2 * (wrong.length + 1) < redises.length ? redises : wrong);
    const offsetMs = random.chance(0.3) ? 0 : random.between(-most, most);
    const byMs = offsetMs - (this.#offsets.get(redis) ?? 0);
    if (offsetMs === 0) this.#offsets.delete(redis);
    else this.#offsets.set(redis, offsetMs);
    world.note(redis.id, `has its clock stepped by ${byMs.toFixed()} ms`);
    redis.stepClock(byMs);
    if (byMs > 0) this.#leaptMs = world.nowMs;
    if (random.chance(0.5)) redis.sweep(() => random.chance(0.5));
  }

  #outOfMemory(): void {
    const { random, redises } = this.parts;
    const redis = random.pick(redises);
    this.troubles.during(
      `${redis.id} is out of memory`,
      random.between(50, 3_000),
      () => {
        redis.outOfMemory = true;
      },
      () => {
        redis.outOfMemory = false;
      },
    );
  }

  #failing(): void {
    const { random, redises } = this.parts;
    const redis = random.pick(redises);
    const kind = random.pick(['cannot_persist', 'read_only', 'error'] as const);
    this.troubles.during(
      `${redis.id} fails (${kind})`,
      random.between(50, 3_000),
      () => {
        redis.failing = { kind, message: 'fails for a while' };
      },
      () => {
        redis.failing = undefined;
      },
    );
  }

  /** A promotion, or a first replica; servers look at that from time to time. */
  #otherHistory(): void {
    const { random, redises, world } = this.parts;
    const redis = random.pick(redises);
    world.note(redis.id, 'has another history');
    redis.changeHistory();
    world.after(random.between(0, 1_000), () => redis.recheck());
  }

  #sweep(): void {
    const { random, redises } = this.parts;
    random.pick(redises).sweep(() => random.chance(0.5));
  }

  /** An operator's order: it forgets what it knows of tokens, as a wipe would, and its locks stay. */
  #resetNode(): void {
    const { random, redises, servers, world } = this.parts;
    const { id } = random.pick(redises);
    world.note(id, 'is reset by an operator');
    void random.pick(servers).store?.nodes.reset(id);
  }

  /** An operator's order: locks that outlast every lease there could be are deleted. */
  #forgetLocks(): void {
    const { random, resources, servers, world } = this.parts;
    const name = random.pick(resources);
    world.note('operator', `forgets locks of ${name} that have no end`, name);
    void random.pick(servers).store?.nodes.forget(resourceKey('default', name), false);
  }
}
