import type { ModelRedis } from '../support/redlock/model-redis.js';
import type { History } from './history.js';
import type { SimNetwork } from './network.js';
import type { LinkDirection, RedlockServer } from './redlock-server.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimClient } from './sim-client.js';
import type { SimProcess, World } from './world.js';

/** What clocks of nodes may do in one run. */
export type ClockFaults = 'none' | 'small steps' | 'steps';

export interface NemesisParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly history: History;
  readonly network: SimNetwork;
  readonly redises: readonly ModelRedis[];
  readonly servers: readonly RedlockServer[];
  readonly clients: SimClient[];
  readonly clockFaults: ClockFaults;
  readonly windowMs: number;
  readonly maxTtlMs: number;
  readonly newClient: () => SimClient;
  /** The only kinds of faults there are. Default: some, as the seed has it. */
  readonly kinds: readonly string[] | undefined;
}

const LINK_DIRECTIONS: readonly LinkDirection[] = ['requests', 'replies', 'both'];

type Fault = (this: Nemesis) => void;
type Dish = readonly [weight: number, fault: Fault];

/** Most runs know some kinds of faults only, and love some of them, so that none is always in the others' way. */
const SHARES = [1, 0.5, 0.3];
const LIKINGS = [0.3, 1, 1, 6];

/** A node's clock stays so near to the true time: a step back never undoes a whole quarantine. */
const SMALL_STEP_MS = 90;
const LARGEST_STEP_WINDOWS = 1.5;

/** What befalls the parts of a cluster, and how it ends: everything lasts for a while, and not beyond `heal`. */
export class Nemesis {
  faults = 0;
  readonly #parts: NemesisParts;
  readonly #pausedSince = new Map<SimProcess, number>();
  /** Ends of what is the matter now. */
  readonly #remedies = new Map<string, () => void>();
  readonly #offsets = new Map<ModelRedis, number>();
  readonly #menu: readonly Dish[];
  readonly #all: readonly Dish[] = [
    [14, this.#cutStream],
    [4, this.#cutServer],
    [5, this.#sever],
    [10, this.#pauseClient],
    [4, this.#sleepClient],
    [5, this.#killClient],
    [9, this.#pauseServer],
    [3, this.#sleepServer],
    [6, this.#killServer],
    [4, this.#drainServer],
    [9, this.#restartRedis],
    [3, this.#wipeRedis],
    [6, this.#pauseRedis],
    [10, this.#cutLink],
    [6, this.#slowLink],
    [4, this.#slowServer],
    [3, this.#slowEverything],
    [6, this.#stepClock],
    [3, this.#outOfMemory],
    [3, this.#failing],
    [2, this.#otherHistory],
    [2, this.#sweep],
  ];

  constructor(parts: NemesisParts) {
    this.#parts = parts;
    const { kinds, random } = parts;
    const share = random.pick(SHARES);
    const chosen = this.#all.filter((dish) => kinds?.includes(kindOf(dish)) ?? random.chance(share));
    const menu = chosen.length === 0 ? this.#all : chosen;
    this.#menu = menu.map(([weight, fault]) => [weight * random.pick(LIKINGS), fault]);
  }

  /** The kinds of faults there are in this run. */
  get kinds(): readonly string[] {
    return this.#menu.map(kindOf);
  }

  strike(): void {
    this.faults += 1;
    const total = this.#menu.reduce((sum, [weight]) => sum + weight, 0);
    let dice = this.#parts.random.unit() * total;
    for (const [weight, fault] of this.#menu) {
      dice -= weight;
      if (dice >= 0) continue;
      fault.call(this);
      return;
    }
  }

  /** Ends everything that is the matter. Clocks stay as they are. */
  heal(): void {
    for (const what of [...this.#remedies.keys()]) this.#end(what);
  }

  #cutStream(): void {
    this.#parts.network.cut();
  }

  #cutServer(): void {
    this.#parts.network.cutAll(this.#parts.random.pick(this.#parts.servers));
  }

  #sever(): void {
    const { clients, network, random, servers } = this.#parts;
    const { process } = random.pick(clients);
    const server = random.pick(servers);
    this.#during(
      `${process.name} | ${server.process.name}`,
      random.between(200, 4_000),
      () => network.sever(process, server),
      () => network.mend(process, server),
    );
  }

  #pauseClient(): void {
    const { clients, maxTtlMs, random } = this.#parts;
    this.#pause(random.pick(clients).process, random.between(20, 2 * maxTtlMs), 'stop');
  }

  #sleepClient(): void {
    const { clients, maxTtlMs, random } = this.#parts;
    this.#pause(random.pick(clients).process, random.between(20, 2 * maxTtlMs), 'sleep');
  }

  #pauseServer(): void {
    const { maxTtlMs, random, servers } = this.#parts;
    const forMs = random.chance(0.5) ? random.between(10, 200) : random.between(200, 2 * maxTtlMs);
    this.#pause(random.pick(servers).process, forMs, 'stop');
  }

  #sleepServer(): void {
    const { maxTtlMs, random, servers } = this.#parts;
    this.#pause(random.pick(servers).process, random.between(20, 2 * maxTtlMs), 'sleep');
  }

  #killClient(): void {
    const { clients, history, network, newClient, random } = this.#parts;
    const [victim] = clients.splice(Math.floor(random.unit() * clients.length), 1);
    if (victim === undefined) return;
    this.#end(`${victim.process.name} stands still`);
    victim.process.kill();
    history.died(victim.process);
    network.clientDied(victim.process);
    clients.push(newClient());
  }

  #killServer(): void {
    const { network, random, servers, maxTtlMs } = this.#parts;
    const server = random.pick(servers);
    this.#down(server, random.between(0, 2 * maxTtlMs), () => {
      this.#end(`${server.process.name} stands still`);
      server.kill(network);
    });
  }

  /** As on SIGTERM: clients are asked to move, then the streams end, then the process. */
  #drainServer(): void {
    const { network, random, servers, world } = this.#parts;
    const server = random.pick(servers);
    const drainMs = random.between(50, 1_000);
    const { core, process } = server;
    if (core === undefined || process.paused) return;
    world.note(process.name, 'drains');
    core.drain(drainMs);
    process.after(drainMs, () => {
      core.endStreams();
      void server.store?.close();
      process.after(random.between(1, 200), () => {
        this.#down(server, random.between(0, 500), () => server.kill(network));
      });
    });
  }

  #down(server: RedlockServer, forMs: number, begin: () => void): void {
    if (!server.running) return;
    this.#during(`${server.process.name} is down`, forMs, begin, () => server.start());
  }

  #restartRedis(): void {
    const { maxTtlMs, random, world } = this.#parts;
    const redis = random.pick(this.#parts.redises);
    const memory = random.chance(0.7) ? 'empty' : 'kept';
    const forMs = random.chance(0.5) ? random.between(0, 50) : random.between(50, 2 * maxTtlMs);
    this.#during(
      `${redis.id} is down`,
      forMs,
      () => {
        this.#end(`${redis.id} stands still`);
        redis.stop();
      },
      () => {
        world.note(redis.id, `starts, memory ${memory}`);
        redis.start(memory);
      },
    );
  }

  #wipeRedis(): void {
    const redis = this.#parts.random.pick(this.#parts.redises);
    this.#parts.world.note(redis.id, 'is flushed');
    redis.wipe();
  }

  #pauseRedis(): void {
    const { maxTtlMs, random, redises } = this.#parts;
    const redis = random.pick(redises);
    if (this.#remedies.has(`${redis.id} is down`)) return;
    this.#during(
      `${redis.id} stands still`,
      random.between(10, 3 * maxTtlMs),
      () => redis.pause(),
      () => redis.resume(),
    );
  }

  #cutLink(): void {
    const { maxTtlMs, random, redises, servers } = this.#parts;
    const server = random.pick(servers);
    const node = Math.floor(random.unit() * redises.length);
    const direction = random.pick(LINK_DIRECTIONS);
    this.#during(
      `${server.process.name} | ${redises[node]?.id} (${direction})`,
      random.between(20, 3 * maxTtlMs),
      () => server.cut(node, direction),
      () => server.heal(node),
    );
  }

  #slowLink(): void {
    const { maxTtlMs, random, redises, servers } = this.#parts;
    const server = random.pick(servers);
    const node = Math.floor(random.unit() * redises.length);
    const delayMs = random.chance(0.6) ? random.between(5, 60) : random.between(60, 2 * maxTtlMs);
    this.#during(
      `${server.process.name} - ${redises[node]?.id} is slow (${delayMs.toFixed()} ms)`,
      random.between(200, 4_000),
      () => server.slow(node, 'both', delayMs),
      () => server.slow(node, 'both'),
    );
  }

  /** As if its machine were far away, or busy. */
  #slowServer(): void {
    const { random, redises, servers } = this.#parts;
    const server = random.pick(servers);
    const direction = random.pick(LINK_DIRECTIONS);
    const delayMs = random.chance(0.6) ? random.between(5, 60) : random.between(60, 400);
    this.#during(
      `${server.process.name} is slow (${direction}, ${delayMs.toFixed()} ms)`,
      random.between(200, 4_000),
      () => redises.forEach((_, node) => void server.slow(node, direction, delayMs)),
      () => redises.forEach((_, node) => void server.slow(node, direction)),
    );
  }

  #slowEverything(): void {
    const { maxTtlMs, network, random } = this.#parts;
    const delayMs = random.chance(0.5) ? random.between(5, 50) : random.between(50, maxTtlMs);
    const before = network.maxDelayMs;
    this.#during(
      'slow streams',
      random.between(200, 4_000),
      () => {
        network.maxDelayMs = delayMs;
      },
      () => {
        network.maxDelayMs = before;
      },
    );
  }

  #stepClock(): void {
    const { clockFaults, random, redises, windowMs, world } = this.#parts;
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
    if (random.chance(0.5)) redis.sweep(() => random.chance(0.5));
  }

  #outOfMemory(): void {
    const { random, redises } = this.#parts;
    const redis = random.pick(redises);
    this.#during(
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
    const { random, redises } = this.#parts;
    const redis = random.pick(redises);
    const kind = random.pick(['cannot_persist', 'read_only', 'error'] as const);
    this.#during(
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
    const { random, redises, world } = this.#parts;
    const redis = random.pick(redises);
    world.note(redis.id, 'has another history');
    redis.changeHistory();
    world.after(random.between(0, 1_000), () => redis.recheck());
  }

  #sweep(): void {
    const { random, redises } = this.#parts;
    random.pick(redises).sweep(() => random.chance(0.5));
  }

  #pause(process: SimProcess, forMs: number, how: 'stop' | 'sleep'): void {
    const { history, world } = this.#parts;
    this.#during(
      `${process.name} stands still`,
      forMs,
      () => {
        this.#pausedSince.set(process, world.nowMs);
        process.pause(how);
      },
      () => {
        history.wasPaused(process, world.nowMs - (this.#pausedSince.get(process) ?? world.nowMs));
        if (process.paused) process.resume();
      },
    );
  }

  /** Something is the matter for a while; not twice at a time. */
  #during(what: string, forMs: number, begin: () => void, end: () => void): void {
    const { world } = this.#parts;
    if (this.#remedies.has(what)) return;
    world.note('world', `${what}: begins`);
    begin();
    this.#remedies.set(what, end);
    world.at(world.nowMs + forMs, () => {
      if (this.#remedies.get(what) === end) this.#end(what);
    });
  }

  #end(what: string): void {
    const end = this.#remedies.get(what);
    if (end === undefined) return;
    this.#remedies.delete(what);
    this.#parts.world.note('world', `${what}: ends`);
    end();
  }
}

/** As its method is called. */
function kindOf([, fault]: Dish): string {
  return fault.name.replace('#', '');
}
