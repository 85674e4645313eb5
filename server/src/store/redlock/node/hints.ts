import type { Clock, Random, Timer } from '../../../core/ports.js';
import { backOffMs } from './back-off.js';
import { Connection, type Endpoint } from './connection.js';

const GONE = { kind: 'unreachable', message: 'is not listened to' } as const;

export interface HintEvents {
  released(key: string): void;
  wanted(key: string): void;
}

export interface HintPorts {
  readonly clock: Clock;
  readonly random: Random;
}

/** Listens to a node's hints on a connection of its own, and tries again quietly when that fails: hints may be missing. */
export class HintListener {
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #failures = 0;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly channel: string,
    private readonly events: HintEvents,
    private readonly ports: HintPorts,
  ) {}

  /** Begins to listen, unless it does. */
  start(): void {
    if (this.#connection === undefined && this.#timer === undefined) this.#connect();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.drop(GONE);
  }

  #connect(): void {
    this.#timer = undefined;
    const connection: Connection = new Connection(this.endpoint, {
      opened: () => void this.#subscribe(connection),
      closed: () => this.#failed(connection),
      message: (text) => this.#hint(text),
    });
    this.#connection = connection;
  }

  async #subscribe(connection: Connection): Promise<void> {
    const refused = await connection.introduce();
    const subscribed = refused === undefined ? await connection.ask('subscribe', this.channel) : undefined;
    if (subscribed?.kind === 'reply') this.#failures = 0;
    else this.#failed(connection);
  }

  #failed(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    connection.drop(GONE);
    this.#timer = this.ports.clock.after(backOffMs(this.#failures, this.ports.random), () => this.#connect());
    this.#failures += 1;
  }

  #hint(text: string): void {
    const key = text.slice(1);
    if (text.startsWith('r')) this.events.released(key);
    else if (text.startsWith('w')) this.events.wanted(key);
  }
}
