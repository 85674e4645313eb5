import type { ClientFrame as WireClientFrame } from '@holdfast/protocol';
import { SessionRequest, SessionResponse, type Status } from '@holdfast/protocol';
import type { StreamHandler as ClientHandler, Stream, StreamEnd, Transport } from '../../client/src/session/ports.js';
import { type Failure, failureCode } from '../../server/src/core/failure.js';
import type { ServerFrame } from '../../server/src/core/frames.js';
import type { ServerCoreApi, StreamHandler as ServerHandler, StreamPort } from '../../server/src/core/session-api.js';
import { decodeMessage } from '../../server/src/rpc/frame-decoder.js';
import { encodeMessage } from '../../server/src/rpc/frame-encoder.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess, World } from './world.js';

const STATUS_CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 3,
  FAILED_PRECONDITION: 9,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
};
const UNREACHABLE: StreamEnd = { statusCode: 14, message: 'connection lost', failure: undefined };
const MAX_FRAMES = 4_096;

/** What the server end of the network needs to know of the server: whether it runs, and its core. */
export interface Reachable {
  readonly process: SimProcess;
  readonly core: ServerCoreApi | undefined;
}

/** Which way messages are lost: from client to server, from server to client, or both. */
export type Direction = 'up' | 'down' | 'both';
const DIRECTIONS: readonly Direction[] = ['up', 'down', 'both', 'both'];

/** When both ends of a silent connection give it up. */
const KEEPALIVE_MS = { least: 500, most: 8_000 };

/** One stream between a client and the server, each direction with a delay of its own, in order. */
class Connection implements Stream {
  /** Messages vanish in these directions, and nobody is told: a cable was pulled. */
  losesUp = false;
  losesDown = false;
  #serverSide: ServerHandler | undefined;
  #clientIsDone = false;
  #serverIsDone = false;
  #outbox: ServerFrame[] = [];
  /** Both ends belong to one life of their process each. */
  readonly #clientLife: number;
  readonly #serverLife: number;
  #toServerMs = 0;
  #toClientMs = 0;
  readonly #up = {};
  readonly #down = {};

  constructor(
    private readonly net: SimNetwork,
    readonly client: SimProcess,
    private readonly handler: ClientHandler,
    readonly server: Reachable,
  ) {
    this.#clientLife = client.generation;
    this.#serverLife = server.process.generation;
  }

  begin(): void {
    this.#toServer(() => {
      const { core } = this.server;
      if (core === undefined) {
        this.closeClient(UNREACHABLE);
        return;
      }
      this.#serverSide = core.connect(this.#port());
      this.#toClient(() => this.handler.ready());
    });
  }

  send(frames: readonly WireClientFrame[]): void {
    const bytes = SessionRequest.encode({ frames: [...frames] }).finish();
    this.#toServer(() => {
      const message = decodeMessage(bytes, MAX_FRAMES);
      if (message.kind === 'refused')
        throw new Error(`the client sent what cannot be read: ${message.failure.message}`);
      this.#serverSide?.receive(message.frames, this.server.process.nowMs());
    });
  }

  /** From now on nothing arrives, in one direction or in both. */
  lose(direction: Direction): void {
    if (direction !== 'down') this.losesUp = true;
    if (direction !== 'up') this.losesDown = true;
  }

  end(): void {
    this.#clientIsDone = true;
    this.net.forget(this);
    // On a dead cable the server hears of it when its keepalive runs out.
    if (this.losesUp) this.net.later(() => this.closeServer());
    else this.closeServer();
  }

  /** The client finds out that the stream is over, in a while. */
  closeClient(end: StreamEnd): void {
    this.#toClient(() => {
      this.#clientIsDone = true;
      this.net.forget(this);
      this.handler.closed(end);
    }, true);
  }

  /** The server finds out that the stream is over, in a while. */
  closeServer(): void {
    this.#toServer(() => {
      if (this.net.closesOnBreak) {
        this.#serverSide?.receive([{ kind: 'close', id: Number.MAX_SAFE_INTEGER }], this.server.process.nowMs());
      }
      this.#serverIsDone = true;
      this.#serverSide?.closed();
    }, true);
  }

  #port(): StreamPort {
    return {
      send: (frame) => {
        this.#outbox.push(frame);
        if (this.#outbox.length === 1) this.server.process.atTurnEnd(() => this.#flush());
      },
      end: (failure) => {
        this.#flush();
        this.#serverIsDone = true;
        const end = failure === undefined ? { statusCode: 0, message: '', failure: undefined } : streamEnd(failure);
        if (this.losesDown) this.net.later(() => this.closeClient(UNREACHABLE));
        else this.closeClient(end);
      },
    };
  }

  #flush(): void {
    if (this.#outbox.length === 0) return;
    const bytes = encodeMessage(this.#outbox);
    this.#outbox = [];
    this.#toClient(() => {
      this.handler.receive(SessionResponse.decode(bytes).frames);
      this.net.delivered(this.client);
    });
  }

  #toServer(run: () => void, always = false): void {
    if (this.losesUp && !always) return;
    this.#toServerMs = Math.max(this.#toServerMs, this.net.arrivalMs());
    const unlessDone = (): void => {
      if (!this.#serverIsDone) run();
    };
    this.server.process.schedule(this.#toServerMs, this.#up, unlessDone, this.#serverLife);
  }

  #toClient(run: () => void, always = false): void {
    if (this.losesDown && !always) return;
    this.#toClientMs = Math.max(this.#toClientMs, this.net.arrivalMs());
    const unlessDone = (): void => {
      if (!this.#clientIsDone) run();
    };
    this.client.schedule(this.#toClientMs, this.#down, unlessDone, this.#clientLife);
  }
}

/** Every stream of the simulation, and what may befall it. */
export class SimNetwork {
  readonly #live = new Set<Connection>();
  readonly #severed = new Map<SimProcess, Map<Reachable, Direction>>();
  /** The longest a message may take. */
  maxDelayMs = 5;
  /** A broken rule, for control runs: to the server a broken stream looks as if its client had said Close. */
  closesOnBreak = false;

  constructor(
    private readonly world: World,
    private readonly random: SeededRandom,
    readonly delivered: (client: SimProcess) => void,
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
  cut(): void {
    if (this.#live.size === 0) return;
    const connection = this.random.pick([...this.#live]);
    const silent = this.random.chance(0.4);
    const { client, server } = connection;
    const direction = silent ? this.random.pick(DIRECTIONS) : 'both';
    const what = `${client.name} and ${server.process.name}`;
    this.world.note('network', silent ? `pulls the cable (${direction}) of ${what}` : `cuts ${what}`);
    this.#lose(connection, direction, silent);
  }

  /** Breaks all streams of a server, as a proxy in front of it does when it restarts. */
  cutAll(server: Reachable): void {
    this.world.note('network', `cuts all streams of ${server.process.name}`);
    for (const connection of [...this.#live]) if (connection.server === server) this.#lose(connection, 'both', false);
  }

  /** From now on nothing gets through between a client and a server, also on new streams. */
  sever(client: SimProcess, server: Reachable): void {
    const direction = this.random.pick(DIRECTIONS);
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
      const delayMs = this.random.chance(0.7) ? 1 : this.random.between(1_000, 8_000);
      this.world.at(this.world.nowMs + delayMs, () => connection.closeServer());
    }
  }

  #lose(connection: Connection, direction: Direction, silent: boolean): void {
    connection.lose(direction);
    const endingMs = (): number =>
      this.world.nowMs + (silent ? this.random.between(KEEPALIVE_MS.least, KEEPALIVE_MS.most) : 1);
    this.world.at(endingMs(), () => connection.closeClient(UNREACHABLE));
    this.world.at(endingMs(), () => connection.closeServer());
  }
}

function streamEnd(failure: Failure): StreamEnd {
  const statusCode = STATUS_CODES[failureCode(failure.reason)] ?? 2;
  const { reason, message, field, value, limit, retryAfterMs } = failure;
  return { statusCode, message, failure: { statusCode, reason, message, field, value, limit, retryAfterMs } };
}

/** The details of a `Failed` frame are not looked at in the simulation beyond their code. */
export function readFailure(status: Status | undefined): NonNullable<StreamEnd['failure']> {
  const statusCode = status?.code ?? 2;
  const message = status?.message ?? '';
  const retryAfterMs = statusCode === 14 || statusCode === 8 ? 250 : undefined;
  return { statusCode, reason: '', message, field: undefined, value: undefined, limit: undefined, retryAfterMs };
}
