import { Command, Redis, type RedisOptions } from 'ioredis';
import type { NodeFault } from '../coordinator/redis-node.js';
import type { NodeAddress, NodeTls } from './node-address.js';
import { CLOSED, FULL, nodeFault } from './node-fault.js';

/** What became of a command. */
export type Outcome =
  | { readonly kind: 'reply'; readonly reply: unknown }
  | { readonly kind: 'fault'; readonly fault: NodeFault };

export interface ConnectionEvents {
  /** Commands may be sent. */
  opened(): void;
  /** It is over, for good. Not called after `drop`. */
  closed(fault: NodeFault): void;
  /** A message of a channel that was subscribed to. */
  message?(text: string): void;
}

export interface Endpoint {
  readonly address: NodeAddress;
  readonly tls: NodeTls | undefined;
}

/**
 * One connection to Redis, never mended: whoever wants another one makes it. Commands are answered in order, each once; no
 * command is kept back, sent again, or answered after its connection's end.
 */
export class Connection {
  readonly #redis: Redis;
  readonly #events: ConnectionEvents;
  readonly #address: NodeAddress;
  readonly #unanswered = new Set<(outcome: Outcome) => void>();
  #over = false;
  #fault: NodeFault | undefined;

  constructor({ address, tls }: Endpoint, events: ConnectionEvents) {
    this.#events = events;
    this.#address = address;
    this.#redis = new Redis(optionsFor(address, tls));
    this.#redis.on('ready', () => void (this.#over || events.opened()));
    this.#redis.on('error', (error: unknown) => {
      this.#fault ??= nodeFault(error);
    });
    this.#redis.on('end', () => this.#ended());
    this.#redis.on('message', (_channel, text) => events.message?.(text));
    // How it ends is told by the events above.
    this.#redis.connect().catch(() => undefined);
  }

  send(name: string, args: readonly (string | Buffer)[], settle: (outcome: Outcome) => void): void {
    const once = (outcome: Outcome): void => {
      if (this.#unanswered.delete(once)) settle(outcome);
    };
    this.#unanswered.add(once);
    const failed = (error: unknown): void => once({ kind: 'fault', fault: this.#faultOf(error) });
    try {
      const command = new Command(name, [...args], { replyEncoding: 'utf8' });
      command.promise.then((reply: unknown) => once({ kind: 'reply', reply }), failed);
      this.#redis.sendCommand(command);
    } catch (error) {
      failed(error);
    }
  }

  ask(name: string, ...args: readonly string[]): Promise<Outcome> {
    return new Promise((resolve) => this.send(name, args, resolve));
  }

  /** Says who calls, and which database is meant. */
  async introduce(): Promise<NodeFault | undefined> {
    const { username, password, database } = this.#address;
    const steps: string[][] = [];
    if (password !== undefined) steps.push(['auth', ...(username === undefined ? [] : [username]), password]);
    if (database !== 0) steps.push(['select', String(database)]);
    const outcomes = await Promise.all(steps.map(([name = '', ...args]) => this.ask(name, ...args)));
    const failed = outcomes.find((outcome) => outcome.kind === 'fault');
    return failed?.kind === 'fault' ? failed.fault : undefined;
  }

  /** Ends it at once; what is unanswered gets this fault. */
  drop(fault: NodeFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#redis.disconnect();
    // A node that hangs would not say good-bye either.
    this.#redis.stream?.destroy();
    this.#settleAll(fault);
  }

  /** What made the connection end says more than that it has. */
  #faultOf(error: unknown): NodeFault {
    const fault = nodeFault(error);
    if (fault === FULL) this.#fault = fault;
    return fault === CLOSED ? (this.#fault ?? fault) : fault;
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    const fault = this.#fault ?? CLOSED;
    this.#settleAll(fault);
    this.#events.closed(fault);
  }

  #settleAll(fault: NodeFault): void {
    for (const once of [...this.#unanswered]) once({ kind: 'fault', fault });
  }
}

type ConnectionOptions = RedisOptions & { readonly replyMapping: 'legacy' };

/**
 * ioredis neither mends a connection nor checks, names or authenticates it: all of that must be seen to fail here, without
 * the password in the error and without a line on the terminal.
 */
function optionsFor({ endpoint }: NodeAddress, tls: NodeTls | undefined): ConnectionOptions {
  const common: ConnectionOptions = {
    replyMapping: 'legacy',
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: 0,
    protocol: 2,
  };
  if (endpoint.kind === 'unix') return { ...common, path: endpoint.path };
  const { host, port, encrypted } = endpoint;
  return { ...common, host, port, ...(encrypted ? { tls: { ...tls } } : {}) };
}
