import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClientState, ConnectOptions, LeaseState, ReleaseOutcome } from '@holdfast/client';
import { within } from './deadline.js';

const MAIN = fileURLToPath(new URL('./client-main.ts', import.meta.url));
const EVENT_DEADLINE_MS = 20_000;

/** What the process is told. */
export type ClientOrder =
  | { readonly kind: 'connect'; readonly address: string; readonly name: string; readonly options?: ConnectOptions }
  | { readonly kind: 'acquire'; readonly name: string; readonly ttlMs: number; readonly waitMs: number }
  | { readonly kind: 'look' | 'release'; readonly name: string }
  /** Blocks the event loop, then tries to write without having yielded. */
  | { readonly kind: 'stall'; readonly name: string; readonly ms: number }
  | { readonly kind: 'close' };

/** What it tells. Times are microseconds of the machine's monotonic clock, the same for all its processes. */
export type ClientEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'state'; readonly state: ClientState; readonly atUs: number }
  | {
      readonly kind: 'granted';
      readonly name: string;
      readonly leaseId: string;
      readonly token: string;
      readonly remainingMs: number;
      readonly atUs: number;
    }
  | { readonly kind: 'lost'; readonly name: string; readonly atUs: number }
  | {
      readonly kind: 'view';
      readonly name: string;
      readonly mayWrite: boolean;
      readonly state: LeaseState;
      readonly remainingMs: number;
      readonly atUs: number;
    }
  | {
      readonly kind: 'stalled';
      readonly name: string;
      readonly signalAborted: boolean;
      readonly mayWrite: boolean;
      readonly atUs: number;
    }
  | { readonly kind: 'released'; readonly name: string; readonly outcome: ReleaseOutcome; readonly atUs: number }
  | { readonly kind: 'failed'; readonly order: string; readonly error: string; readonly message: string };

type EventOf<K extends ClientEvent['kind']> = Extract<ClientEvent, { kind: K }>;

/** Microseconds of the machine's monotonic clock, as in events. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** A client of the real library in a process of its own, which can be killed, stopped and stalled. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #events: ClientEvent[] = [];
  readonly #watchers = new Set<() => void>();

  private constructor() {
    this.#child = fork(MAIN, { execArgv: ['--import', 'tsx', '-C', '@holdfast/source'], stdio: 'inherit' });
    this.#child.on('message', (event: ClientEvent) => {
      this.#events.push(event);
      for (const look of this.#watchers) look();
    });
  }

  /** Starts a process and connects it. */
  static async start(address: string, name: string, options: ConnectOptions = {}): Promise<ClientProcess> {
    const started = new ClientProcess();
    await started.next('ready');
    await started.do({ kind: 'connect', address, name, options }, 'connected');
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Gives an order, and waits for what comes of it. */
  do<K extends ClientEvent['kind']>(order: ClientOrder, expected: K): Promise<EventOf<K>> {
    const event = this.next(expected);
    this.tell(order);
    return event;
  }

  /** Gives an order without waiting. */
  tell(order: ClientOrder): void {
    this.#child.send(order);
  }

  /** The next event of a kind; a failed order rejects. */
  next<K extends ClientEvent['kind']>(kind: K): Promise<EventOf<K>> {
    const since = this.#events.length;
    return within(EVENT_DEADLINE_MS, `${kind} from client ${this.pid}`, this.#find(kind, since));
  }

  /** Whether an event of a kind has come. */
  has(kind: ClientEvent['kind']): boolean {
    return this.#events.some((event) => event.kind === kind);
  }

  /** The latest event of a kind. */
  last<K extends ClientEvent['kind']>(kind: K): EventOf<K> | undefined {
    return this.#events.findLast((event): event is EventOf<K> => event.kind === kind);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the process, whatever state it is in. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  #find<K extends ClientEvent['kind']>(kind: K, since: number): Promise<EventOf<K>> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        for (const event of this.#events.slice(since)) {
          if (event.kind === kind) {
            this.#watchers.delete(look);
            resolve(event as EventOf<K>);
            return;
          }
          if (event.kind === 'failed') {
            this.#watchers.delete(look);
            reject(new Error(`${event.order} failed: ${event.error}: ${event.message}`));
            return;
          }
        }
      };
      this.#watchers.add(look);
      look();
    });
  }
}
