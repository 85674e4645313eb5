import { AnswerWatch } from '../history/answer-watch.js';
import { AskingWatch } from '../history/asking-watch.js';
import { History } from '../history/history.js';
import { QueueWatch } from '../history/queue-watch.js';
import type { Cast, Play, Sabotage } from './cast.js';
import { ClockFaults, LONGEST_STAND_TTLS, RUN_APART } from './clock-faults.js';
import { Nemesis } from './nemesis.js';
import { SimNetwork } from './network.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type Company, ProcessFaults } from './process-faults.js';
import { SeededRandom } from './seeded-random.js';
import { FAILURE_CODES, SimClient, type Workload } from './sim-client.js';
import { SimProcess } from './sim-process.js';
import type { Problem, Stage, StageParts } from './stage.js';
import { StreamFaults } from './stream-faults.js';
import { Troubles } from './troubles.js';
import { World } from './world.js';

/** Enough to set up a system where nothing is the matter. */
const BEGINNING_MS = 100;
/** Faults go on for so long at least, and for so long at most. */
const TROUBLE_MS = { least: 800, most: 6_000 };
const LEAST_FAULTS = 6;
/** A run checks so many grants at least, some of them after its faults where those were in the way. */
const LEAST_GRANTS = 200;
const LONGEST_WORK_MS = 300_000;
/** No two clocks run apart by more than ρ = 1 %. */
const MAX_RATE_ERROR = 0.0049;
/** When nothing is the matter any more, everything is free within two times to live and so long after all have stopped. */
const SETTLING_MS = 2_000;
/** How often it is looked whether there is anything left, and for how long nothing must have been. */
const LOOK_EVERY_MS = 50;
const CLEAN_MS = 500;
/** Everything that has no bound of its own is over by then, and by the servers' grace. */
const QUIET_MS = 5_000;

/** What makes a system of its own. */
export interface SystemKind<Rule extends string, C extends Cast> {
  readonly name: string;
  castFor(random: SeededRandom): C;
  setUp(parts: StageParts<C>, without: readonly Rule[]): Stage;
}

/** One run: a system, its clients, what befalls them, and what is looked at in the end. */
class Frame<Rule extends string, C extends Cast> {
  readonly world: World;
  readonly history: History;
  readonly nemesis: Nemesis;
  readonly cast: C;
  readonly #stage: Stage;
  readonly #clients: SimClient[] = [];
  readonly #network: SimNetwork;
  readonly #asking: AskingWatch;
  readonly #random: SeededRandom;
  readonly #clockFaults: ClockFaults;
  /** What each client does; who dies is replaced by one that does the same. */
  readonly #works: Workload[];
  #named = 0;
  readonly #goesOn: boolean;
  /** How much had been granted when the faults ended. */
  grantsUnderFaults: number | undefined;

  constructor(kind: SystemKind<Rule, C>, seed: number, play: Play, sabotage: Sabotage<Rule, C>) {
    this.#random = new SeededRandom(seed);
    this.cast = { ...kind.castFor(this.#random.fork()), ...sabotage.cast };
    const { cast } = this;
    this.#goesOn = play.goesOn === true;
    this.world = new World(this.#random.fork(), play.isReplay === true);
    const { world } = this;
    this.history = new History(world, (resource, forMs) => this.#beliefsMayMeet(resource, forMs), {
      failureCodes: FAILURE_CODES,
      believed: (belief) => this.#stage.believed?.(belief),
    });
    const { history } = this;
    history.log.fenced = sabotage.unfenced !== true;
    const watch = new QueueWatch(history.queues);
    const violated = (guarantee: string, what: string, resource: string): void =>
      history.violated(guarantee, what, resource);
    this.#asking = new AskingWatch(watch, { nowMs: () => world.nowMs, violated });
    this.#network = new SimNetwork(
      world,
      this.#random.fork(),
      (client) => history.checkBeliefs(client),
      watch,
      new AnswerWatch(violated),
    );
    const network = this.#network;
    network.closesOnBreak = sabotage.closesOnBreak === true;
    const troubles = new Troubles(world);
    this.#works = [...cast.clients];
    const newProcess = (name: string): SimProcess => this.#newProcess(name);
    const random = this.#random.fork();
    const asking = this.#asking;
    this.#stage = kind.setUp(
      { world, history, network, asking, troubles, random, cast, newProcess },
      sabotage.without ?? [],
    );
    const { servers } = this.#stage;
    const company: Company = {
      ...{ world, history, network, troubles, servers, clients: this.#clients, maxTtlMs: cast.maxTtlMs },
      newClient: () => this.#newClient(),
    };
    this.#clockFaults = new ClockFaults(company, cast.clockFaults);
    const rooms = [new ProcessFaults(company), new StreamFaults(company), this.#clockFaults];
    this.nemesis = new Nemesis({
      ...{
        world,
        troubles,
        random: this.#random.fork(),
        meanFaultEveryMs: cast.meanFaultEveryMs,
        likings: cast.likings,
      },
      ...{ wanted: sabotage.kinds, kept: play.faults },
      kinds: [...rooms.flatMap(({ kinds }) => kinds), ...this.#stage.faults],
    });
  }

  async run(): Promise<void> {
    const { cast, history, nemesis, world } = this;
    world.note('world', `${cast.profile}: ${cast.servers} servers, ${cast.clients.length} clients`);
    world.note('world', `times to live ${cast.minTtlMs} to ${cast.maxTtlMs} ms, clocks: ${cast.clockFaults}`);
    this.#stage.begin();
    this.#lookForIdlers();
    for (const _ of cast.clients) this.#clients.push(this.#newClient());
    await this.#until(BEGINNING_MS);
    nemesis.begin();
    const isEnough = (): boolean =>
      history.grants >= cast.grants && nemesis.due >= LEAST_FAULTS && world.nowMs >= TROUBLE_MS.least;
    await this.#until(TROUBLE_MS.most, isEnough);
    await this.#until(LONGEST_WORK_MS, () => nemesis.due >= LEAST_FAULTS);
    nemesis.stop();
    const healedByMs = world.nowMs + this.#stage.recoveryMs;
    // Promised from the last fault on, also where they go on working until enough has been granted.
    world.at(healedByMs, () => this.#accuse(this.#stage.ailments()));
    this.grantsUnderFaults = history.grants;
    world.note('world', 'no more faults');
    await this.#until(world.nowMs + LONGEST_WORK_MS, () => history.grants >= LEAST_GRANTS);
    for (const client of this.#clients) client.stop();
    await this.#recover(healedByMs);
    for (const client of this.#clients) void client.session.close();
    await this.#come(world.nowMs + cast.graceMs + QUIET_MS, CLEAN_MS, () => this.#stage.leftovers());
    history.finish();
    for (const { fatal, process } of this.#stage.servers) {
      for (const problem of fatal) history.violated('crash', `${process.name} would have stopped: ${problem}`);
    }
  }

  /** A run ends with its first violation: what follows may come of it. */
  async #until(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    const failed = (): boolean => !this.#goesOn && this.history.found.length > 0;
    if (!failed()) await this.world.runUntil(untilMs, () => failed() || isOver());
  }

  /** Again and again. */
  #lookForIdlers(): void {
    for (const { process, running } of this.#stage.servers) {
      this.#asking.look(process, running && !process.paused, LOOK_EVERY_MS);
    }
    this.world.at(this.world.nowMs + LOOK_EVERY_MS, () => this.#lookForIdlers());
  }

  /** I11: everybody can have everything again. */
  async #recover(healedByMs: number): Promise<void> {
    const { cast, history, world } = this;
    const deadlineMs = Math.max(healedByMs, world.nowMs + 2 * cast.maxTtlMs + SETTLING_MS);
    let open = 0;
    for (const client of this.#clients) {
      for (const resource of cast.resources) {
        open += 1;
        client.probe(resource, deadlineMs, (denied) => {
          open -= 1;
          if (denied === undefined) return;
          const what = `${client.process.name} cannot have ${resource} after all faults: ${denied}`;
          history.violated('I11', what, resource);
        });
      }
    }
    await this.#come(deadlineMs, 0, () => this.#stage.ailments());
    await this.#until(deadlineMs + QUIET_MS, () => open === 0);
  }

  /** Waits until there has been no problem for a while; those there are at the deadline are violations. */
  async #come(deadlineMs: number, cleanMs: number, problems: () => readonly Problem[]): Promise<void> {
    const { history, world } = this;
    let cleanSinceMs: number | undefined;
    while (world.nowMs < deadlineMs) {
      await this.#until(Math.min(deadlineMs, world.nowMs + LOOK_EVERY_MS));
      if (!this.#goesOn && history.found.length > 0) return;
      cleanSinceMs = problems().length > 0 ? undefined : (cleanSinceMs ?? world.nowMs);
      if (cleanSinceMs !== undefined && world.nowMs >= cleanSinceMs + cleanMs) return;
    }
    this.#accuse(problems());
  }

  #accuse(problems: readonly Problem[]): void {
    for (const { guarantee, what, resource } of problems) this.history.violated(guarantee, what, resource);
  }

  #beliefsMayMeet(resource: string, forMs: number): boolean {
    const standsMs = LONGEST_STAND_TTLS * this.cast.maxTtlMs;
    const ranOff = this.world.nowMs <= this.#clockFaults.beyondUntilMs + standsMs;
    return (ranOff && forMs <= RUN_APART * standsMs) || this.#stage.beliefsMayMeet(resource, forMs);
  }

  #newProcess(name: string): SimProcess {
    const rate = 1 + this.#random.between(-MAX_RATE_ERROR, MAX_RATE_ERROR);
    return new SimProcess(this.world, name, { rate, startMs: this.#random.between(1_000, 1_000_000) });
  }

  #newClient(): SimClient {
    this.#named += 1;
    const process = this.#newProcess(`client-${this.#named}`);
    const random = this.#random.fork();
    const { servers } = this.#stage;
    // Each has its favourite, as lists of servers in configurations do.
    const first = Math.floor(random.unit() * servers.length);
    const mine = [...servers.slice(first), ...servers.slice(0, first)];
    const work = this.#works[this.#named % this.#works.length];
    if (work === undefined) throw new RangeError('there is nobody in the cast');
    const stands = (name: string, token: bigint): boolean => this.#stage.stands?.(name, token) === true;
    return new SimClient(process, this.#network, mine, random, this.history, work, stands);
  }
}

/** Runs one seed of a system from beginning to end. The same seed gives the same trace; that of a replay says more. */
export async function playSeed<Rule extends string, C extends Cast>(
  kind: SystemKind<Rule, C>,
  seed: number,
  play: Play,
  sabotage: Sabotage<Rule, C>,
): Promise<Outcome> {
  const frame = new Frame(kind, seed, play, sabotage);
  const { cast, history, nemesis, world } = frame;
  const { profile } = cast;
  return outcomeOf(
    { system: kind.name, seed, profile, world, history, nemesis, grantsUnderFaults: () => frame.grantsUnderFaults },
    () => frame.run(),
  );
}
