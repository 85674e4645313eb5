import type { History } from '../history/history.js';
import { LONGEST_STAND_TTLS } from './clock-faults.js';
import type { SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimClient } from './sim-client.js';
import type { SimProcess } from './sim-process.js';
import type { FaultKind, SimServer } from './stage.js';
import type { Troubles } from './troubles.js';
import type { World } from './world.js';

/** Who can be befallen by something, whatever the store. */
export interface Company {
  readonly world: World;
  readonly history: History;
  readonly network: SimNetwork;
  readonly troubles: Troubles;
  readonly servers: readonly SimServer[];
  readonly clients: SimClient[];
  readonly maxTtlMs: number;
  newClient(): SimClient;
}

/** What befalls the processes of clients and servers. */
export class ProcessFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'pauseClient', weight: 10, strike: (random) => this.#pauseClient(random, 'stop') },
    { name: 'sleepClient', weight: 4, strike: (random) => this.#pauseClient(random, 'sleep') },
    { name: 'killClient', weight: 5, strike: (random) => this.#killClient(random) },
    { name: 'pauseServer', weight: 9, strike: (random) => this.#pauseServer(random, 'stop') },
    { name: 'sleepServer', weight: 3, strike: (random) => this.#pauseServer(random, 'sleep') },
    { name: 'killServer', weight: 6, strike: (random) => this.#killServer(random) },
    { name: 'drainServer', weight: 4, strike: (random) => this.#drainServer(random) },
  ];
  readonly #pausedSince = new Map<SimProcess, number>();

  constructor(private readonly company: Company) {}

  #pauseClient(random: SeededRandom, how: 'stop' | 'sleep'): boolean {
    const { clients, maxTtlMs } = this.company;
    const { process } = random.pick(clients);
    const forMs = random.chance(0.4) ? random.between(5, 0.5 * maxTtlMs) : random.between(20, 2 * maxTtlMs);
    return this.#pause(process, forMs, how);
  }

  #killClient(random: SeededRandom): boolean {
    const { clients, history, network, newClient, troubles } = this.company;
    const [victim] = clients.splice(Math.floor(random.unit() * clients.length), 1);
    if (victim === undefined) return false;
    troubles.end(standsStill(victim.process));
    victim.process.kill();
    history.died(victim.process);
    network.clientDied(victim.process);
    clients.push(newClient());
    return true;
  }

  #pauseServer(random: SeededRandom, how: 'stop' | 'sleep'): boolean {
    const { maxTtlMs, servers } = this.company;
    const { process } = random.pick(servers);
    const forMs = random.chance(0.5) ? random.between(10, 200) : random.between(200, 2 * maxTtlMs);
    return this.#pause(process, forMs, how);
  }

  #killServer(random: SeededRandom): boolean {
    const { network, servers, maxTtlMs, troubles } = this.company;
    const server = random.pick(servers);
    const forMs = random.chance(0.5) ? random.between(0, 100) : random.between(0, 2 * maxTtlMs);
    return this.#down(server, forMs, () => {
      troubles.end(standsStill(server.process));
      server.kill(network);
    });
  }

  /** As on SIGTERM: clients are asked to move, then the streams end, then the process. */
  #drainServer(random: SeededRandom): boolean {
    const { network, servers, world } = this.company;
    const server = random.pick(servers);
    const drainMs = random.between(50, 1_000);
    const downMs = random.between(0, 500);
    const { core, process } = server;
    if (core === undefined || process.paused) return false;
    world.note(process.name, 'drains');
    core.drain(drainMs);
    process.after(drainMs, () => {
      core.endStreams();
      server.close();
      process.after(random.between(1, 200), () => {
        this.#down(server, downMs, () => server.kill(network));
      });
    });
    return true;
  }

  #down(server: SimServer, forMs: number, begin: () => void): boolean {
    if (!server.running) return false;
    return this.company.troubles.during(`${server.process.name} is down`, forMs, begin, () => server.start());
  }

  #pause(process: SimProcess, forMs: number, how: 'stop' | 'sleep'): boolean {
    const { history, maxTtlMs, troubles, world } = this.company;
    // A clock that was set back does not tell for how long a machine has slept.
    const isSetBack = world.nowMs < process.setBackMs + LONGEST_STAND_TTLS * maxTtlMs;
    if (how === 'sleep' && isSetBack) return false;
    return troubles.during(
      standsStill(process),
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
}

function standsStill(process: SimProcess): string {
  return `${process.name} stands still`;
}
