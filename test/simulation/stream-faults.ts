import type { Company } from './process-faults.js';
import type { SeededRandom } from './seeded-random.js';
import type { FaultKind } from './stage.js';

/** What befalls the streams between clients and servers. */
export class StreamFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'cutStream', weight: 14, strike: (random) => this.company.network.cut(random) },
    { name: 'cutServer', weight: 4, strike: (random) => this.#cutServer(random) },
    { name: 'sever', weight: 5, strike: (random) => this.#sever(random) },
    { name: 'strand', weight: 3, strike: (random) => this.#strand(random) },
    { name: 'unsteady', weight: 5, strike: (random) => this.#unsteady(random) },
    { name: 'forgetful', weight: 4, strike: (random) => this.#forgetful(random) },
    { name: 'slowStreams', weight: 3, strike: (random) => this.#slowStreams(random) },
  ];

  constructor(private readonly company: Company) {}

  #cutServer(random: SeededRandom): boolean {
    const { network, servers } = this.company;
    network.cutAll(random.pick(servers));
    return true;
  }

  #sever(random: SeededRandom): boolean {
    const { clients, network, servers, troubles } = this.company;
    const { process } = random.pick(clients);
    const server = random.pick(servers);
    return troubles.during(
      `${process.name} | ${server.process.name}`,
      random.between(100, 3_000),
      () => network.sever(process, server, random),
      () => network.mend(process, server),
    );
  }

  /** The machine of a client that holds something has no network; servers hear of it at once, or late. */
  #strand(random: SeededRandom): boolean {
    const { clients, maxTtlMs, network, servers, troubles } = this.company;
    const holders = clients.filter(({ isHolding }) => isHolding);
    const { process } = random.pick(holders.length > 0 ? holders : clients);
    const isHeardOf = random.chance(0.5);
    return troubles.during(
      `${process.name} | all servers`,
      random.between(0.3, 2) * maxTtlMs,
      () => {
        if (isHeardOf) network.cutClient(process);
        for (const server of servers) network.sever(process, server, random);
      },
      () => {
        for (const server of servers) network.mend(process, server);
      },
    );
  }

  /** A client's stream breaks, and the next ones before what was begun on them has come to its end. */
  #unsteady(random: SeededRandom): boolean {
    const { clients, network, troubles } = this.company;
    const { process } = random.pick(clients);
    return troubles.during(
      `${process.name} has unsteady streams`,
      random.between(50, 1_000),
      () => {
        network.setUnsteady(process, true);
        network.cutClient(process);
      },
      () => network.setUnsteady(process, false),
    );
  }

  #forgetful(random: SeededRandom): boolean {
    const { clients, maxTtlMs, network, troubles } = this.company;
    const { process } = random.pick(clients);
    return troubles.during(
      `${process.name} says nothing of what it gives back`,
      random.between(0.1, 1) * maxTtlMs,
      () => network.setForgetful(process, true),
      () => network.setForgetful(process, false),
    );
  }

  #slowStreams(random: SeededRandom): boolean {
    const { maxTtlMs, network, troubles } = this.company;
    const delayMs = random.chance(0.5) ? random.between(5, 50) : random.between(50, maxTtlMs);
    const before = network.maxDelayMs;
    return troubles.during(
      'slow streams',
      random.between(100, 1_500),
      () => {
        network.maxDelayMs = delayMs;
      },
      () => {
        network.maxDelayMs = before;
      },
    );
  }
}
