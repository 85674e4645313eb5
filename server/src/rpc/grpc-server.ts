import { type ConnectionInjector, Server, ServerCredentials } from '@grpc/grpc-js';
import type { Clock, Random, StoreNodes, Timer } from '../core/ports.js';
import type { ServerCoreApi } from '../core/session-api.js';
import { ADMIN_SERVICE, adminService } from './admin-service.js';
import { Health } from './health.js';
import { LEASE_SERVICE, leaseService } from './lease-service.js';
import { type ListenAddress, Listener } from './listener.js';
import { OpenCalls } from './open-calls.js';
import { type ReportDefect, type RpcSettings, rpcDefaults } from './rpc-settings.js';
import { StreamAge } from './stream-age.js';
import { Traffic, type TrafficTotals } from './traffic.js';
import { TurnFlusher } from './turn-flusher.js';

export interface RpcServerOptions {
  readonly core: ServerCoreApi;
  /** What operators can ask and order of the store's nodes. Default: it has none. */
  readonly nodes?: StoreNodes | undefined;
  readonly clock: Clock;
  readonly random: Pick<Random, 'unit'>;
  /** What differs from `rpcDefaults`. */
  readonly settings?: Partial<RpcSettings>;
  /** Default: plain text. */
  readonly credentials?: ServerCredentials;
  readonly reportDefect: ReportDefect;
}

/** The gRPC side of a server. */
export interface RpcServer {
  /** Listens there, too; resolves to where it does. Rejects with a `ListenError`. */
  listen(address: ListenAddress): Promise<ListenAddress>;
  /** Tells health checks whether the store can be reached. It is taken to be until told. */
  setStoreAvailable(available: boolean): void;
  /** Session calls the transport still knows. */
  openStreams(): number;
  /** What the session streams have carried. */
  readonly traffic: { readonly in: TrafficTotals; readonly out: TrafficTotals };
  /** Resolves when reflection is served, or has been given up on; it is loaded once the server listens. */
  readonly reflectionSettled: Promise<void>;
  /**
   * Stops: no more connections, every stream told to move elsewhere; when all have left, or after `graceMs`, the rest
   * is ended. Never hangs. Called again, it shortens the grace.
   */
  shutdown(graceMs: number): Promise<void>;
}

/** Makes a server that does not listen yet. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  return new GrpcServer(options);
}

class GrpcServer implements RpcServer {
  readonly traffic = new Traffic();
  readonly #core: ServerCoreApi;
  readonly #clock: Clock;
  readonly #settings: RpcSettings;
  readonly #reportDefect: ReportDefect;
  readonly #server: Server;
  readonly #connections: ConnectionInjector;
  readonly #health = new Health();
  readonly #calls = new OpenCalls();
  readonly #listeners: Listener[] = [];
  #reflection: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #endWait: (() => void) | undefined;

  constructor({ core, nodes, clock, random, settings, credentials, reportDefect }: RpcServerOptions) {
    this.#core = core;
    this.#clock = clock;
    this.#reportDefect = reportDefect;
    this.#settings = { ...rpcDefaults(core.settings.limits), ...settings };
    this.#server = new Server(serverOptions(this.#settings, core.settings.limits.maxMessageBytes));
    const flusher = new TurnFlusher(clock);
    const parts = { core, clock, reportDefect, settings: this.#settings, flusher, traffic: this.traffic };
    this.#server.addService(
      LEASE_SERVICE,
      leaseService(parts, this.#calls, new StreamAge(clock, random, this.#settings), this.#settings),
    );
    this.#server.addService(ADMIN_SERVICE, adminService(core, nodes, reportDefect));
    this.#health.addToServer(this.#server);
    // Connections come from listeners of our own: grpc-js prints its own errors when it cannot bind, hides their codes,
    // takes any number of connections, and does not say which it has.
    this.#connections = this.#server.createConnectionInjector(credentials ?? ServerCredentials.createInsecure());
  }

  get reflectionSettled(): Promise<void> {
    return this.#reflection ?? Promise.resolve();
  }

  async listen(address: ListenAddress): Promise<ListenAddress> {
    if (this.#stopped !== undefined) throw new Error('the server is stopping');
    const listener = await Listener.open(address, this.#settings.maxConnections, (socket) =>
      this.#connections.injectConnection(socket),
    );
    this.#listeners.push(listener);
    this.#reflection ??= this.#loadReflection();
    return listener.address;
  }

  setStoreAvailable(available: boolean): void {
    this.#health.setStoreAvailable(available);
  }

  openStreams(): number {
    return this.#calls.count;
  }

  shutdown(graceMs: number): Promise<void> {
    if (this.#stopped === undefined) this.#stopped = this.#stop(graceMs);
    else this.#clock.after(graceMs, () => this.#endWait?.());
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#health.setDraining();
    for (const listener of this.#listeners) listener.stopAccepting();
    this.#core.drain(graceMs);
    // No GOAWAY before the end: Node answers no keepalive ping on a session that is closing, and grpc-js would cut the
    // connection at the next one, long before the grace is over.
    await this.#within(graceMs, this.#calls.none());
    this.#core.endStreams();
    await this.#within(this.#settings.lastWordsMs, this.#calls.none());
    // A call is over for grpc-js before its status has left: connections are closed in order, then cut.
    this.#connections.destroy();
    await this.#within(this.#settings.lastWordsMs, Promise.all(this.#listeners.map((listener) => listener.closed)));
    this.#server.forceShutdown();
    await Promise.all(this.#listeners.map((listener) => listener.destroy()));
    await this.reflectionSettled;
  }

  /** Waits for `done`; at most `limitMs`, or until the wait is cut short. */
  async #within(limitMs: number, done: Promise<unknown>): Promise<void> {
    let timer: Timer | undefined;
    const ended = new Promise<void>((resolve) => {
      timer = this.#clock.after(limitMs, resolve);
      this.#endWait = resolve;
    });
    await Promise.race([done, ended]);
    timer?.cancel();
  }

  async #loadReflection(): Promise<void> {
    try {
      const { addReflection } = await import('./reflection.js');
      await addReflection(this.#server);
    } catch (error) {
      this.#reportDefect('reflection', error);
    }
  }
}

function serverOptions(settings: RpcSettings, maxMessageBytes: number): Record<string, number> {
  return {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': settings.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    'grpc.max_connection_idle_ms': settings.idleConnectionMs,
    'grpc.max_concurrent_streams': settings.maxStreamsPerConnection,
    // Nobody reads it here, and it costs on every call and message.
    'grpc.enable_channelz': 0,
  };
}
