import { quarantineMs, type RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';
import { History } from '../history/history.js';
import { SETTINGS } from '../support/core-rig.js';
import { ModelRedis } from '../support/redlock/model-redis.js';
import { redlockSettings } from '../support/redlock/model-settings.js';
import { BALLOT_PREFIX, BOOKKEEPING, type ScriptRule } from '../support/redlock/script-context.js';
import { SimNetwork } from './network.js';

import { type Outcome, outcomeOf } from './outcome.js';
import { type ClockFaults, Nemesis } from './redlock-nemesis.js';
import { RedlockServer } from './redlock-server.js';
import { SeededRandom } from './seeded-random.js';
import { SimClient, type Workload } from './sim-client.js';
import { SimProcess, World } from './world.js';

/** What a control run breaks on purpose. */
export interface RedlockSabotage {
  /** A broken stream counts as the client's Close: leases are freed without their holder's word. */
  readonly closesOnBreak?: boolean;
  /** The nodes' scripts are without these rules. */
  readonly without?: readonly ScriptRule[];
  /** The resources do not look at tokens. */
  readonly unfenced?: boolean;
  /** The only kinds of faults there are: those that bring it out. */
  readonly kinds?: readonly string[];
  /** And who is there, where that matters. */
  readonly cast?: Partial<Cast>;
}

/** Enough to declare a cluster. */
const BEGINNING_MS = 100;
const TROUBLE_MS = 12_000;
const MEAN_FAULT_EVERY_MS = [100, 250, 600];
/** No two clocks run apart by more than ρ = 1 %. */
const MAX_RATE_ERROR = 0.0049;
/** The nodes' clocks are set by somebody, and so run apart less than that from each other. */
const MAX_NODE_RATE_ERROR = 0.0009;
const MAX_CLOCK_OFFSET_MS = 20;
const GRACE_MS = 5_000;
/** After the last fault: the longest quarantine, and some time for what stands to end. */
const RECOVERY_MS = 2_000;
/** No lock stands for longer, in times to live of the servers that grant the shorter leases. */
const LONGEST_STAND_TTLS = 2.1;
/** How long one acquire may take when nothing is the matter. */
const PROBE_WAIT_MS = 2_000;
/** Everything that has no bound of its own is over by then. */
const QUIET_MS = GRACE_MS + 5_000;

/** What one seed has chosen to run. */
export interface Cast {
  readonly redises: number;
  readonly servers: number;
  readonly clients: number;
  readonly resources: readonly string[];
  readonly clockFaults: ClockFaults;
  readonly meanFaultEveryMs: number;
  readonly maxHoldMs: number;
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly windowMs: number;
  readonly nodeDeadlineMs: number;
  readonly admissionMs: number;
  readonly ballotMs: number;
  /** New clusters are declared, so that nothing has to be waited for. */
  readonly isDeclared: boolean;
  /** The keys are those of other libraries, too. */
  readonly isShared: boolean;
  /** The last server grants longer leases than the others. */
  readonly isMixed: boolean;
  /** The last server comes later than the others. */
  readonly lastStartsMs: number;
}

function castFor(random: SeededRandom): Cast {
  const maxTtlMs = Math.round(random.between(400, 1_000));
  const windowMs = Math.round(random.between(150, 300));
  const clockFaults = random.pick(['none', 'none', 'small steps', 'steps'] as const);
  return {
    redises: random.chance(0.4) ? 3 : 5,
    servers: random.pick([1, 2, 2, 3, 3]),
    clients: random.pick([2, 3, 4, 5, 6]),
    resources: ['a', 'b', 'c'].slice(0, random.pick([1, 2, 3])),
    clockFaults,
    meanFaultEveryMs: random.pick(MEAN_FAULT_EVERY_MS),
    maxHoldMs: random.pick([20, 100, 400, 2 * maxTtlMs]),
    minTtlMs: 300,
    maxTtlMs,
    windowMs,
    nodeDeadlineMs: random.pick([50, 100, 300]),
    admissionMs: random.pick([4_000, 300_000]),
    // A clock that jumps takes short ballots along, and may go back before anybody has seen it.
    ballotMs: clockFaults === 'none' && random.chance(0.3) ? 2 * windowMs + 2_000 : 600_000,
    isDeclared: random.chance(0.9),
    isShared: random.chance(0.1),
    isMixed: random.chance(0.2),
    lastStartsMs: random.chance(0.3) ? random.between(100, 6_000) : 0,
  };
}

function redlockSettingsOf(cast: Cast): RedlockSettings {
  const { maxTtlMs, windowMs, nodeDeadlineMs, admissionMs, ballotMs } = cast;
  const keyTemplate = cast.isShared ? 'holdfast:lock:{name}' : 'holdfast:{ns}:lock:{name}';
  return redlockSettings({ maxTtlMs, windowMs, nodeDeadlineMs, admissionMs, ballotMs, keyTemplate });
}

/** Everything a run consists of. */
class RedlockScenario {
  readonly world: World;
  readonly history: History;
  readonly nemesis: Nemesis;
  readonly cast: Cast;
  readonly redises: readonly ModelRedis[];
  readonly servers: readonly RedlockServer[];
  readonly clients: SimClient[] = [];
  readonly #network: SimNetwork;
  readonly #random: SeededRandom;
  readonly #work: Workload;
  readonly #redlock: RedlockSettings;
  #named = 0;

  constructor(
    seed: number,
    { closesOnBreak, without, unfenced, kinds, cast: fixed }: RedlockSabotage,
    isReplay: boolean,
  ) {
    this.#random = new SeededRandom(seed);
    this.cast = { ...castFor(this.#random.fork()), ...fixed };
    const { cast } = this;
    this.world = new World(this.#random.fork(), isReplay);
    const { world } = this;
    // Where a lease stands on a bare quorum, one clock that leaps is enough to free it before its time.
    const leapHolds = (): boolean => world.nowMs <= this.nemesis.leaptMs + LONGEST_STAND_TTLS * cast.maxTtlMs;
    this.history = new History(world, leapHolds);
    this.history.log.fenced = unfenced !== true;
    this.#network = new SimNetwork(world, this.#random.fork(), (client) => this.history.checkBeliefs(client));
    this.#network.closesOnBreak = closesOnBreak === true;
    const nodesRate = this.#rate(MAX_RATE_ERROR - MAX_NODE_RATE_ERROR);
    const clock = { nowMs: () => world.nowMs, after: world.after.bind(world) };
    this.redises = Array.from({ length: cast.redises }, (_, index) => {
      const offsetMs = this.#random.between(-MAX_CLOCK_OFFSET_MS, MAX_CLOCK_OFFSET_MS);
      const rate = nodesRate * this.#rate(MAX_NODE_RATE_ERROR);
      return new ModelRedis(clock, `redis-${index + 1}`, { offsetMs, rate, without: without ?? [] });
    });
    this.#redlock = redlockSettingsOf(cast);
    const { maxTtlMs } = cast;
    this.servers = Array.from({ length: cast.servers }, (_, index) => {
      const process = this.#process(`server-${index + 1}`);
      const random = this.#random.fork();
      const longestMs = cast.isMixed && index === cast.servers - 1 ? 2 * maxTtlMs : maxTtlMs;
      const limits = { minTtlMs: cast.minTtlMs, maxTtlMs: longestMs, defaultTtlMs: longestMs, graceMs: GRACE_MS };
      const core = { ...SETTINGS, limits: { ...SETTINGS.limits, ...limits } };
      const redlock = { ...this.#redlock, maxTtlMs: longestMs };
      return new RedlockServer({ world, process, random, core, redlock, redises: this.redises });
    });
    this.#work = {
      resources: cast.resources,
      minTtlMs: cast.minTtlMs,
      // Longer ones are refused where they are too long.
      maxTtlMs: cast.isMixed ? 1.5 * maxTtlMs : maxTtlMs,
      maxWaitMs: 3_000,
      maxHoldMs: cast.maxHoldMs,
      maxPauseMs: this.#random.pick([5, 50, 200]),
      concurrency: this.#random.pick([1, 2, 4]),
    };
    const newClient = (): SimClient => this.#newClient();
    this.nemesis = new Nemesis({
      ...{ world, random: this.#random.fork(), history: this.history, network: this.#network },
      ...{ redises: this.redises, servers: this.servers, clients: this.clients, clockFaults: cast.clockFaults },
      ...{ windowMs: cast.windowMs, maxTtlMs, newClient, kinds, resources: cast.resources },
    });
  }

  async run(): Promise<void> {
    const { cast, clients, nemesis, servers, world } = this;
    world.note('world', `${cast.redises} nodes, ${cast.servers} servers, ${cast.clients} clients`);
    world.note('world', `window ${cast.windowMs} ms, longest TTL ${cast.maxTtlMs} ms, clocks: ${cast.clockFaults}`);
    servers.forEach((server, index) => {
      if (index < servers.length - 1) server.start();
      else world.at(cast.lastStartsMs, () => server.start());
    });
    if (cast.isDeclared)
      world.at(cast.servers > 1 ? 50 : cast.lastStartsMs + 50, () => void servers[0]?.store?.nodes.declareNew());
    for (let index = 0; index < cast.clients; index += 1) clients.push(this.#newClient());
    await world.runUntil(BEGINNING_MS);
    this.#planFault();
    await world.runUntil(TROUBLE_MS);
    world.note('world', 'no more faults');
    for (const client of clients) client.stop();
    nemesis.heal();
    const recoveredMs = TROUBLE_MS + quarantineMs(this.#redlock, 2 * cast.maxTtlMs) + 2 * cast.maxTtlMs + RECOVERY_MS;
    await world.runUntil(recoveredMs);
    this.#probe();
    await world.runUntil(recoveredMs + cast.resources.length * PROBE_WAIT_MS);
    for (const client of clients) void client.session.close();
    await world.runUntil(recoveredMs + cast.resources.length * PROBE_WAIT_MS + QUIET_MS);
    this.history.finish();
    this.#checkServers();
    this.#checkNodes();
  }

  #rate(maxError = MAX_RATE_ERROR): number {
    return 1 + this.#random.between(-maxError, maxError);
  }

  #process(name: string): SimProcess {
    return new SimProcess(this.world, name, { rate: this.#rate(), startMs: this.#random.between(1_000, 1_000_000) });
  }

  #newClient(): SimClient {
    this.#named += 1;
    const process = this.#process(`client-${this.#named}`);
    const random = this.#random.fork();
    // Each has its favourite, as lists of servers in configurations do.
    const first = Math.floor(random.unit() * this.servers.length);
    const servers = [...this.servers.slice(first), ...this.servers.slice(0, first)];
    return new SimClient(process, this.#network, servers, random, this.history, this.#work);
  }

  #planFault(): void {
    this.world.at(this.world.nowMs + this.#random.between(0, 2 * this.cast.meanFaultEveryMs), () => {
      if (this.world.nowMs >= TROUBLE_MS) return;
      this.nemesis.strike();
      this.#planFault();
    });
  }

  /** I11: everybody can have everything again, one client after the other. */
  #probe(): void {
    this.cast.resources.forEach((resource, index) => {
      this.world.at(this.world.nowMs + index * PROBE_WAIT_MS, () => {
        for (const client of this.clients) {
          client.probe(resource, PROBE_WAIT_MS, (why) => {
            this.history.violated(
              'I11',
              `${client.process.name} cannot have ${resource} after all faults: ${why}`,
              resource,
            );
          });
        }
      });
    });
  }

  #checkServers(): void {
    for (const server of this.servers) {
      const { name } = server.process;
      for (const problem of server.fatal) this.history.violated('crash', `${name} would have stopped: ${problem}`);
      const sizes = server.core?.sizes();
      if (sizes === undefined) this.history.violated('L4', `${name} is not running at the end`);
      for (const [what, count] of Object.entries(sizes ?? {})) {
        if (count !== 0) this.history.violated('L4', `${count} ${what} are left at ${name} after everybody has gone`);
      }
      for (const { id, state, detail } of server.store?.nodes.report() ?? []) {
        if (state !== 'admitted') this.history.violated('I11', `${id} is ${state} for ${name}: ${detail}`);
      }
    }
  }

  /** I6. */
  #checkNodes(): void {
    const bookkeeping = new Set<string>(Object.values(BOOKKEEPING));
    for (const { id, keys } of this.redises) {
      for (const key of keys.keys()) {
        if (bookkeeping.has(key)) continue;
        const expiresInMs = keys.expiresInMs(key);
        const shown = key.replace('\u0000', '');
        if (expiresInMs < 0) this.history.violated('I6', `${id} keeps ${shown} for ever`);
        else if (!key.startsWith('\u0000')) this.history.violated('I6', `${id} still has the lock ${shown}`);
        else if (expiresInMs > this.cast.ballotMs) this.history.violated('I6', `${id} keeps ${shown} too long`);
      }
      const ballots = keys.keys().filter((key) => key.startsWith(BALLOT_PREFIX)).length;
      if (ballots > this.cast.resources.length) this.history.violated('I6', `${id} keeps ${ballots} ballots`);
    }
  }
}

/** Runs one seed from beginning to end. The same seed gives the same trace; that of a replay says more. */
export async function simulateRedlock(
  seed: number,
  sabotage: RedlockSabotage = {},
  isReplay = false,
): Promise<Outcome> {
  const scenario = new RedlockScenario(seed, sabotage, isReplay);
  const { world, history, nemesis } = scenario;
  return outcomeOf(seed, { world, history, faults: () => nemesis.faults }, () => scenario.run());
}
