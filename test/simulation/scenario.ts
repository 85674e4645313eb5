import { History } from '../history/history.js';
import { SETTINGS } from '../support/core-rig.js';
import { SimNetwork } from './network.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { SeededRandom } from './seeded-random.js';
import { SimClient, type Workload } from './sim-client.js';
import { SimServer } from './sim-server.js';
import { SimProcess, World } from './world.js';

/** What a control run breaks on purpose. */
export interface Sabotage {
  /** A broken stream counts as the client's Close: leases are freed without their holder's word. */
  readonly closesOnBreak?: boolean;
}

const TROUBLE_MS = 20_000;
const MEAN_FAULT_EVERY_MS = 700;
const QUIET_MS = 15_000;
const WORK: Workload = {
  resources: ['a', 'b', 'c'],
  minTtlMs: 1_000,
  maxTtlMs: 3_000,
  maxWaitMs: 4_000,
  maxHoldMs: 400,
  maxPauseMs: 100,
  concurrency: 2,
};
/** No two clocks run apart by more than ρ = 1 %. */
const MAX_RATE_ERROR = 0.0049;

/** Everything a run consists of. */
class Scenario {
  readonly world: World;
  readonly history: History;
  readonly network: SimNetwork;
  readonly server: SimServer;
  readonly clients: SimClient[] = [];
  faults = 0;
  readonly #random: SeededRandom;
  readonly #paused = new Map<SimProcess, number>();
  #named = 0;

  constructor(seed: number, sabotage: Sabotage) {
    this.#random = new SeededRandom(seed);
    this.world = new World(this.#random.fork());
    this.history = new History(this.world);
    this.network = new SimNetwork(this.world, this.#random.fork(), (client) => this.history.checkBeliefs(client));
    this.network.closesOnBreak = sabotage.closesOnBreak === true;
    const limits = { ...SETTINGS.limits, minTtlMs: WORK.minTtlMs, graceMs: 5_000 };
    const settings = { ...SETTINGS, limits };
    const process = this.#process('server');
    this.server = new SimServer(this.world, process, this.#random.fork(), settings);
    for (let index = 0; index < 5; index += 1) this.#addClient();
  }

  async run(): Promise<void> {
    this.#planFault();
    await this.world.runUntil(TROUBLE_MS);
    this.#heal();
    await this.world.runUntil(TROUBLE_MS + QUIET_MS);
    for (const client of this.clients) void client.session.close();
    await this.world.runUntil(TROUBLE_MS + 2 * QUIET_MS);
    this.history.finish();
    this.#checkLeaks();
  }

  #process(name: string): SimProcess {
    const rate = 1 + this.#random.between(-MAX_RATE_ERROR, MAX_RATE_ERROR);
    return new SimProcess(this.world, name, { rate, startMs: this.#random.between(1_000, 1_000_000) });
  }

  #addClient(): void {
    this.#named += 1;
    const process = this.#process(`client-${this.#named}`);
    this.clients.push(new SimClient(process, this.network, [this.server], this.#random.fork(), this.history, WORK));
  }

  #planFault(): void {
    this.world.at(this.world.nowMs + this.#random.between(0, 2 * MEAN_FAULT_EVERY_MS), () => {
      if (this.world.nowMs >= TROUBLE_MS) return;
      this.faults += 1;
      this.#fault();
      this.#planFault();
    });
  }

  #fault(): void {
    const random = this.#random;
    const dice = random.unit();
    if (dice < 0.35) this.network.cut();
    else if (dice < 0.55) this.#pause(random.pick(this.clients).process, random.between(50, 2 * WORK.maxTtlMs));
    else if (dice < 0.65) this.#pause(this.server.process, random.between(20, 1.5 * WORK.maxTtlMs));
    else if (dice < 0.8) this.#restart(random.between(0, WORK.maxTtlMs));
    else if (dice < 0.88) this.#killClient();
    else this.network.maxDelayMs = random.chance(0.5) ? random.between(1, 10) : random.between(50, WORK.maxTtlMs);
  }

  #pause(process: SimProcess, forMs: number): void {
    if (process.paused) return;
    const sinceMs = this.world.nowMs;
    process.pause();
    this.#paused.set(process, sinceMs);
    this.world.at(sinceMs + forMs, () => {
      if (this.#paused.get(process) === sinceMs) this.#goOn(process);
    });
  }

  #goOn(process: SimProcess): void {
    const sinceMs = this.#paused.get(process);
    if (sinceMs === undefined) return;
    this.#paused.delete(process);
    this.history.wasPaused(process, this.world.nowMs - sinceMs);
    if (process.paused) process.resume();
  }

  #restart(afterMs: number): void {
    if (this.server.core === undefined) return;
    this.server.kill(this.network);
    this.world.at(this.world.nowMs + afterMs, () => this.server.start());
  }

  #killClient(): void {
    const [victim] = this.clients.splice(Math.floor(this.#random.unit() * this.clients.length), 1);
    if (victim === undefined) return;
    victim.process.kill();
    this.history.died(victim.process);
    this.network.clientDied(victim.process);
    this.#addClient();
  }

  #heal(): void {
    this.world.note('world', 'no more faults');
    this.network.maxDelayMs = 5;
    for (const process of [...this.#paused.keys()]) this.#goOn(process);
    for (const client of this.clients) client.stop();
  }

  #checkLeaks(): void {
    const sizes = this.server.core?.sizes();
    if (sizes === undefined) {
      this.history.violated('L4', 'the server is not running at the end');
      return;
    }
    for (const [what, count] of Object.entries(sizes)) {
      if (count !== 0) this.history.violated('L4', `${count} ${what} are left after everybody has gone`);
    }
  }
}

/** Runs one seed from beginning to end. The same seed gives the same trace. */
export async function simulate(seed: number, sabotage: Sabotage = {}): Promise<Outcome> {
  const scenario = new Scenario(seed, sabotage);
  const { world, history } = scenario;
  return outcomeOf(seed, { world, history, faults: () => scenario.faults }, () => scenario.run());
}
