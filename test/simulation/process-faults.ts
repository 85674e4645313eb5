import type { FaultKind, NemesisParts } from './redlock-nemesis.js';
import type { RedlockServer } from './redlock-server.js';
import type { Troubles } from './troubles.js';
import type { SimProcess } from './world.js';

/** What befalls clients, servers, and the streams between them. */
export class ProcessFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'cutStream', weight: 14, strike: () => this.#cutStream() },
    { name: 'cutServer', weight: 4, strike: () => this.#cutServer() },
    { name: 'sever', weight: 5, strike: () => this.#sever() },
    { name: 'pauseClient', weight: 10, strike: () => this.#pauseClient() },
    { name: 'sleepClient', weight: 4, strike: () => this.#sleepClient() },
    { name: 'killClient', weight: 5, strike: () => this.#killClient() },
    { name: 'pauseServer', weight: 9, strike: () => this.#pauseServer() },
    { name: 'sleepServer', weight: 3, strike: () => this.#sleepServer() },
    { name: 'killServer', weight: 6, strike: () => this.#killServer() },
    { name: 'drainServer', weight: 4, strike: () => this.#drainServer() },
  ];
  readonly #pausedSince = new Map<SimProcess, number>();

  constructor(
    private readonly parts: NemesisParts,
    private readonly troubles: Troubles,
  ) {}

  #cutStream(): void {
    this.parts.network.cut();
  }

  #cutServer(): void {
    this.parts.network.cutAll(this.parts.random.pick(this.parts.servers));
  }

  #sever(): void {
    const { clients, network, random, servers } = this.parts;
    const { process } = random.pick(clients);
    const server = random.pick(servers);
    this.troubles.during(
      `${process.name} | ${server.process.name}`,
      random.between(200, 4_000),
      () => network.sever(process, server),
      () => network.mend(process, server),
    );
  }

  #pauseClient(): void {
    const { clients, maxTtlMs, random } = this.parts;
    this.#pause(random.pick(clients).process, random.between(20, 2 * maxTtlMs), 'stop');
  }

  #sleepClient(): void {
    const { clients, maxTtlMs, random } = this.parts;
    this.#pause(random.pick(clients).process, random.between(20, 2 * maxTtlMs), 'sleep');
  }

  #killClient(): void {
    const { clients, history, network, newClient, random } = this.parts;
    const [victim] = clients.splice(Math.floor(random.unit() * clients.length), 1);
    if (victim === undefined) return;
    this.troubles.end(`${victim.process.name} stands still`);
    victim.process.kill();
    history.died(victim.process);
    network.clientDied(victim.process);
    clients.push(newClient());
  }

  #pauseServer(): void {
    const { maxTtlMs, random, servers } = this.parts;
    const forMs = random.chance(0.5) ? random.between(10, 200) : random.between(200, 2 * maxTtlMs);
    this.#pause(random.pick(servers).process, forMs, 'stop');
  }

  #sleepServer(): void {
    const { maxTtlMs, random, servers } = this.parts;
    this.#pause(random.pick(servers).process, random.between(20, 2 * maxTtlMs), 'sleep');
  }

  #killServer(): void {
    const { network, random, servers, maxTtlMs } = this.parts;
    const server = random.pick(servers);
    this.#down(server, random.between(0, 2 * maxTtlMs), () => {
      this.troubles.end(`${server.process.name} stands still`);
      server.kill(network);
    });
  }

  /** As on SIGTERM: clients are asked to move, then the streams end, then the process. */
  #drainServer(): void {
    const { network, random, servers, world } = this.parts;
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
    this.troubles.during(`${server.process.name} is down`, forMs, begin, () => server.start());
  }

  #pause(process: SimProcess, forMs: number, how: 'stop' | 'sleep'): void {
    const { history, world } = this.parts;
    this.troubles.during(
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
}
