import { resourceKey } from '../../server/src/core/names.js';
import { LockKeys } from '../../server/src/store/redlock/coordinator/keys.js';
import { quarantineMs } from '../../server/src/store/redlock/coordinator/settings.js';
import { type KeyLeft, problemsOfKeys } from '../history/keys-left.js';
import type { Belief } from '../history/terms.js';
import { problemsOfThings } from '../history/things-left.js';
import { SETTINGS } from '../support/core-rig.js';
import { ModelRedis } from '../support/redlock/model-redis.js';
import { BALLOT_PREFIX, BOOKKEEPING, type ScriptRule } from '../support/redlock/script-context.js';
import type { Play, Sabotage } from './cast.js';
import { playSeed } from './frame.js';
import { KeepingWatch } from './keeping-watch.js';
import { type Cluster, LinkFaults } from './link-faults.js';
import { MemoryFaults } from './memory-faults.js';
import { NodeFaults } from './node-faults.js';
import { NodeWatch } from './node-watch.js';
import type { Outcome } from './outcome.js';
import { LONGER, type RedlockCast, redlockCastFor, settingsOf } from './redlock-cast.js';
import { RedlockServer } from './redlock-server.js';
import type { SimProcess } from './sim-process.js';
import { countsOf, type FaultKind, type Problem, type Stage, type StageParts } from './stage.js';
import { StandWatch } from './stand-watch.js';
import { mostRequests } from './workloads.js';

/** The nodes' clocks are set by somebody, and so run apart less than others do. */
const MAX_NODE_RATE_ERROR = 0.0009;
const MAX_CLOCKS_RATE_ERROR = 0.004;
const MAX_CLOCK_OFFSET_MS = 20;
/** When a cluster is declared, by its first server. */
const DECLARED_MS = 50;
/** After the last fault: the longest quarantine, and some time for what stands to end. */
const RECOVERY_MS = 4_000;
/** Clocks that ran further off than is allowed lengthen what they measure by so much. */
const SLOWEST = 1.06;

/** Nodes that lose their votes within so long lose them for one reason. */
const BLAME_MS = 1_500;
/** Nobody takes a vote later than that on account of a clock that has stood still. */
const LATE_VERDICT_MS = 5_000;

const OWN_KEYS = new Set<string>(Object.values(BOOKKEEPING));

/** Everything that a node has. */
function keysOf({ id, keys }: ModelRedis): readonly KeyLeft[] {
  return keys.keys().map((key) => {
    const leftMs = keys.expiresInMs(key);
    const expiresInMs = leftMs < 0 ? undefined : leftMs;
    return { node: id, key: key.replace('\u0000', ''), kind: kindOf(key), expiresInMs };
  });
}

function kindOf(key: string): KeyLeft['kind'] {
  if (OWN_KEYS.has(key)) return 'own';
  if (key.startsWith(BALLOT_PREFIX)) return 'ballot';
  return key.startsWith('\u0000') ? 'other' : 'lock';
}

/** One to three servers over three or five Redis nodes. */
class RedlockStage implements Stage {
  readonly servers: readonly RedlockServer[];
  readonly faults: readonly FaultKind[];
  readonly recoveryMs: number;
  readonly #redises: readonly ModelRedis[];
  readonly #keys: LockKeys;
  readonly #memory: MemoryFaults;
  readonly #leases = { longestMs: 0 };
  readonly #stands: StandWatch;
  readonly #keeping: KeepingWatch;
  readonly #unadmittedMs = new Map<ModelRedis, number>();

  constructor(
    private readonly parts: StageParts<RedlockCast>,
    without: readonly ScriptRule[],
  ) {
    const { world, cast, random } = parts;
    const clock = { nowMs: () => world.nowMs, after: world.after.bind(world) };
    const rate = (most: number): number => 1 + random.between(-most, most);
    const nodesRate = rate(MAX_CLOCKS_RATE_ERROR);
    this.#redises = Array.from({ length: cast.redises }, (_, index) => {
      const offsetMs = random.between(-MAX_CLOCK_OFFSET_MS, MAX_CLOCK_OFFSET_MS);
      const options = { offsetMs, rate: nodesRate * rate(MAX_NODE_RATE_ERROR), without };
      return new ModelRedis(clock, `redis-${index + 1}`, options);
    });
    const settings = settingsOf(cast);
    this.#keys = new LockKeys(settings.keyTemplate);
    const quorum = Math.floor(cast.redises / 2) + 1;
    this.#stands = new StandWatch({
      ...{ quorum, nowMs: clock.nowMs },
      violated: (guarantee, what, resource) => parts.history.violated(guarantee, what, resource),
    });
    this.#keeping = new KeepingWatch({
      ...{ size: cast.redises, quorum, nowMs: clock.nowMs, isSure: cast.clockFaults === 'none' },
      violated: (guarantee, what, lock) => this.#violated(guarantee, what, lock),
    });
    for (const redis of this.#redises) redis.witness = this.#watch(redis);
    this.servers = Array.from({ length: cast.servers }, (_, index) => this.#newServer(index));
    const longestMs = (cast.isMixed ? LONGER : 1) * cast.maxTtlMs;
    this.recoveryMs = SLOWEST * (quarantineMs(settings, longestMs) + 2 * longestMs) + RECOVERY_MS;
    const cluster: Cluster = { ...parts, servers: this.servers, redises: this.#redises, settings };
    this.#memory = new MemoryFaults(cluster);
    this.faults = [new LinkFaults(cluster), new NodeFaults(cluster), this.#memory].flatMap(({ kinds }) => kinds);
  }

  begin(): void {
    const { cast, world } = this.parts;
    world.note('world', `${cast.redises} nodes, window ${cast.windowMs} ms, node deadline ${cast.nodeDeadlineMs} ms`);
    this.servers.forEach((server, index) => {
      if (index < this.servers.length - 1) server.start();
      else world.at(cast.lastStartsMs, () => server.start());
    });
    if (!cast.isDeclared) return;
    const firstStartsMs = cast.servers > 1 ? 0 : cast.lastStartsMs;
    world.at(firstStartsMs + DECLARED_MS, () => void this.servers[0]?.store?.nodes.declareNew());
  }

  stands(resource: string, token: bigint): boolean {
    const key = this.#keys.keyOf(resourceKey('default', resource));
    const having = this.#redises.filter(({ keys }) => keys.get(key)?.endsWith(`:${token}`) === true);
    return 2 * having.length > this.#redises.length;
  }

  /** Where a lease stands on a bare quorum, one node that loses a key before its time is enough to free it. */
  beliefsMayMeet(resource: string, forMs: number): boolean {
    return this.#memory.beliefsMayMeet(resource, forMs);
  }

  /** Where clocks are set, or run off, there is no telling how long anything lasts by another one. */
  believed({ client, resource, grant }: Belief): void {
    const isSure = this.parts.cast.clockFaults === 'none';
    const forMs = isSure ? grant.remainingMs() / (client as SimProcess).rate : undefined;
    this.#stands.believed(resource, grant, forMs);
  }

  ailments(): readonly Problem[] {
    return this.servers.flatMap(({ process, store }) => {
      if (store === undefined) return [{ guarantee: 'I11', what: `${process.name} is not running at the end` }];
      return store.nodes
        .report()
        .filter(({ state }) => state !== 'admitted')
        .map(({ id, state, detail }) => ({
          guarantee: 'I11',
          what: `${id} is ${state} for ${process.name}: ${detail}`,
        }));
    });
  }

  leftovers(): readonly Problem[] {
    const { cast } = this.parts;
    const keys = this.#redises.flatMap(keysOf);
    return [
      ...problemsOfThings(this.servers.flatMap(countsOf)).map((what) => ({ guarantee: 'L4/I7', what })),
      ...problemsOfKeys(keys, { names: cast.resources.length, ballotMs: cast.ballotMs }).map((what) => ({
        guarantee: 'I6',
        what,
      })),
    ];
  }

  #watch(redis: ModelRedis): NodeWatch {
    const { cast, world } = this.parts;
    return new NodeWatch(redis, {
      nowMs: () => world.nowMs,
      windowMs: cast.windowMs,
      leases: this.#leases,
      stands: (key, value, expiresInMs) => this.#stands.stands(redis.id, key, value, expiresInMs / redis.rate),
      voted: (entry, vote, there) => this.#keeping.voted(redis.id, entry, vote, there),
      repaired: (entry, expiresInMs) => this.#keeping.repaired(redis.id, entry, expiresInMs / redis.rate),
      violated: (guarantee, what, lock) => this.#violated(guarantee, what, lock),
      unadmitted: () => this.#unadmitted(redis),
    });
  }

  #violated(guarantee: string, what: string, lock: string): void {
    this.parts.history.violated(guarantee, what, lock.slice(lock.lastIndexOf(':') + 1));
  }

  /**
   * Where no clock of a node ever moves, a server that says that one has is in error (L6). A server whose own has stood still may
   * have nothing to compare a node with, but never takes the votes of most for one sleep.
   */
  #unadmitted(redis: ModelRedis): void {
    const { cast, history, world } = this.parts;
    if (cast.evicts || (cast.clockFaults !== 'none' && cast.clockFaults !== 'walls')) return;
    this.#unadmittedMs.set(redis, world.nowMs);
    const lately = [...this.#unadmittedMs.values()].filter((atMs) => atMs > world.nowMs - BLAME_MS).length;
    const sleeps = this.servers.reduce(
      (all, { process }) => all + process.sleepsSince(world.nowMs - LATE_VERDICT_MS),
      0,
    );
    if (sleeps > 0 && (2 * lately <= cast.redises || lately <= sleeps)) return;
    const what = `${redis.id} (${lately} of ${cast.redises} lately) has lost its vote`;
    history.violated('L6', `${what}, though no clock of a node has moved, nor has any evicted anything`);
  }

  #newServer(index: number): RedlockServer {
    const { asking, cast, random, world } = this.parts;
    const { minTtlMs, maxTtlMs, graceMs } = cast;
    const process = this.parts.newProcess(`server-${index + 1}`);
    const longestMs = cast.isMixed && index === cast.servers - 1 ? LONGER * maxTtlMs : maxTtlMs;
    const maxRequestsPerSession = mostRequests(cast.clients, cast.resources);
    const limits = { minTtlMs, maxTtlMs: longestMs, defaultTtlMs: longestMs, graceMs, maxRequestsPerSession };
    const core = { ...SETTINGS, limits: { ...SETTINGS.limits, ...limits } };
    const redlock = { ...settingsOf(cast), maxTtlMs: longestMs };
    return new RedlockServer({
      ...{ asking, world, process, random: random.fork(), core, redlock },
      ...{ redises: this.#redises, keeping: this.#keeping },
      clocksMove: cast.clockFaults !== 'none' && cast.clockFaults !== 'walls',
      violated: (guarantee, what, lock) => this.#violated(guarantee, what, lock),
    });
  }
}

const REDLOCK = {
  name: 'redlock',
  castFor: redlockCastFor,
  setUp: (parts: StageParts<RedlockCast>, without: readonly ScriptRule[]): Stage => new RedlockStage(parts, without),
};

/** Runs one seed over Redis nodes. */
export function simulateRedlock(
  seed: number,
  play: Play = {},
  sabotage: Sabotage<ScriptRule, RedlockCast> = {},
): Promise<Outcome> {
  return playSeed(REDLOCK, seed, play, sabotage);
}
