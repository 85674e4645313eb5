import type { Transport } from '../../client/src/session/ports.js';
import type { AnswerWatch } from '../history/answer-watch.js';
import type { QueueWatch } from '../history/queue-watch.js';
import { Connection, type Direction, type Reachable, UNREACHABLE, type Wires } from './connection.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import type { World } from './world.js';

const DIRECTIONS: readonly Direction[] = ['up', 'down', 'both', 'both'];

/** When both ends of a silent connection give it up. */
const KEEPALIVE_MS = { least: 200, most: 4_000 };
/** A stream that is about to fail as soon as it is there does so within that time. */
const SHORT_LIFE_MS = 30;

/** Every stream of the simulation, and what may befall it. */
export class SimNetwork implements Wires {
  readonly #live = new Set<Connection>();
  readonly #severed = new Map<SimProcess, Map<Reachable, Direction>>();
  readonly #unsteady = new Set<SimProcess>();
  readonly #forgetful = new Set<SimProcess>();
  /** The longest a message may take. */
  maxDelayMs = 5;
  /** A broken rule, for control runs: to the server a broken stream looks as if its client had said Close. */
  closesOnBreak = false;

  constructor(
    private readonly world: World,
    private readonly random: SeededRandom,
    readonly delivered: (client: SimProcess) => void,
    readonly watch: QueueWatch,
    readonly answers: AnswerWatch,
  ) {}

  /** A client's way to the servers. */
  transport(client: SimProcess, servers: readonly Reachable[]): Transport {
    const target = (index: number): Reachable => {
      const server = servers[index];
      if (server === undefined) throw new RangeError(`there is no target ${index}`);
      return server;
    };
    return {
      targetCount: servers.length,
      targetName: (index) => `${target(index).process.name}:7420`,
      open: (index, handler) => {
        const connection = new Connection(this, client, handler, target(index));
        const severed = this.#severed.get(client)?.get(connection.server);
        if (severed !== undefined) connection.lose(severed);
        this.#live.add(connection);
        connection.begin();
        if (this.#unsteady.has(client)) this.#breakSoon(connection);
        return connection;
      },
    };
  }

  forget(connection: Connection): void {
    this.#live.delete(connection);
  }

  arrivalMs(): number {
    return this.world.nowMs + this.random.between(0.05, this.maxDelayMs);
  }

  /** Breaks one stream: both ends hear of it, or a cable is pulled and they do when their keepalive runs out. */
  cut(random: SeededRandom): boolean {
    if (this.#live.size === 0) return false;
    const connection = random.pick([...this.#live]);
    const silent = random.chance(0.4);
    const { client, server } = connection;
    const direction = silent ? random.pick(DIRECTIONS) : 'both';
    const what = `${client.name} and ${server.process.name}`;
    this.world.note('network', silent ? `pulls the cable (${direction}) of ${what}` : `cuts ${what}`);
    this.#lose(connection, direction, silent);
    return true;
  }

  /** Breaks all streams of a server, as a proxy in front of it does when it restarts. */
  cutAll(server: Reachable): void {
    this.world.note('network', `cuts all streams of ${server.process.name}`);
    for (const connection of [...this.#live]) if (connection.server === server) this.#lose(connection, 'both', false);
  }

  /** Breaks whatever streams a client has. */
  cutClient(client: SimProcess): void {
    for (const connection of [...this.#live]) if (connection.client === client) this.#lose(connection, 'both', false);
  }

  /** From now on nothing gets through between a client and a server, also on new streams. */
  sever(client: SimProcess, server: Reachable, random: SeededRandom): void {
    const direction = random.pick(DIRECTIONS);
    const severed = this.#severed.get(client) ?? new Map<Reachable, Direction>();
    severed.set(server, direction);
    this.#severed.set(client, severed);
    this.world.note('network', `severs ${client.name} and ${server.process.name} (${direction})`);
    for (const connection of [...this.#live]) {
      if (connection.client === client && connection.server === server) this.#lose(connection, direction, true);
    }
  }

  mend(client: SimProcess, server: Reachable): void {
    if (this.#severed.get(client)?.delete(server) !== true) return;
    this.world.note('network', `mends ${client.name} and ${server.process.name}`);
  }

  isForgetful(client: SimProcess): boolean {
    return this.#forgetful.has(client);
  }

  /** Its leases end without a word to the server, as those of a client with an error in it do. */
  setForgetful(client: SimProcess, forgetful: boolean): void {
    if (forgetful) this.#forgetful.add(client);
    else this.#forgetful.delete(client);
  }

  /** From now on, or no longer, every stream of the client breaks soon after it was opened. */
  setUnsteady(client: SimProcess, unsteady: boolean): void {
    if (unsteady) this.#unsteady.add(client);
    else this.#unsteady.delete(client);
  }

  /** Something on its way to where neither end is a process of this simulation. */
  carry(run: () => void): void {
    this.world.at(this.arrivalMs(), run);
  }

  /** What happens when a keepalive runs out. */
  later(run: () => void): void {
    this.world.at(this.world.nowMs + this.random.between(KEEPALIVE_MS.least, KEEPALIVE_MS.most), run);
  }

  /** A server has died: its clients hear of it soon, or not at all. */
  serverDied(server: Reachable): void {
    this.watch.serverDied(server.process.name);
    for (const connection of this.#live) {
      if (connection.server !== server) continue;
      connection.lose('both');
      if (this.random.chance(0.7)) connection.closeClient(UNREACHABLE);
    }
  }

  /** The client has died: the server hears of it soon, or late. */
  clientDied(client: SimProcess): void {
    for (const connection of [...this.#live]) {
      if (connection.client !== client) continue;
      this.forget(connection);
      connection.lose('both');
      const delayMs = this.random.chance(0.7) ? 1 : this.random.between(KEEPALIVE_MS.least, KEEPALIVE_MS.most);
      this.world.at(this.world.nowMs + delayMs, () => connection.closeServer());
    }
  }

  #breakSoon(connection: Connection): void {
    const silent = this.random.chance(0.3);
    const direction = silent ? this.random.pick(DIRECTIONS) : 'both';
    this.world.at(this.world.nowMs + this.random.between(0, SHORT_LIFE_MS), () => {
      if (!this.#live.has(connection)) return;
      this.world.note('network', `breaks a young stream of ${connection.client.name} (${direction})`);
      this.#lose(connection, direction, silent);
    });
  }

  #lose(connection: Connection, direction: Direction, silent: boolean): void {
    connection.lose(direction);
    const endingMs = (): number =>
      this.world.nowMs + (silent ? this.random.between(KEEPALIVE_MS.least, KEEPALIVE_MS.most) : 1);
    this.world.at(endingMs(), () => connection.closeClient(UNREACHABLE));
    this.world.at(endingMs(), () => connection.closeServer());
  }
}
