import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClientState, ConnectOptions, LeaseState, ReleaseOutcome } from '@holdfast/client';
import { within } from './deadline.js';
import type { Collections } from './garbage.js';
import { nodeProgram } from './node-program.js';

const MAIN = fileURLToPath(new URL('./client-main.ts', import.meta.url));
const EVENT_DEADLINE_MS = 20_000;

/** What `connect` takes. */
type Targets = string | readonly string[];

/** Where a resource takes writes. */
export interface ResourceAddress {
  readonly host: string;
  readonly port: number;
}

/** How a holder makes sure of its lease: as documented, by the signal alone (which a stall defeats), or not at all. */
export type WriteCheck = 'assertHeld' | 'signal' | 'nothing';

/** What the process is told. */
export type ClientOrder =
  /** Ends the client there was, if any. */
  | { readonly kind: 'connect'; readonly targets: Targets; readonly name: string; readonly options?: ConnectOptions }
  | { readonly kind: 'acquire'; readonly name: string; readonly ttlMs: number; readonly waitMs: number }
  | { readonly kind: 'look' | 'extend' | 'release' | 'dispose'; readonly name: string }
  /** Does something under a lease that throws, or never ends. */
  | { readonly kind: 'section'; readonly name: string; readonly ttlMs: number; readonly body: 'throws' | 'never ends' }
  /** Blocks the event loop, then tries to write without having yielded. */
  | { readonly kind: 'stall'; readonly name: string; readonly ms: number }
  /** Writes to a fenced resource, if the lease says that it may, without having yielded in between. */
  | {
      readonly kind: 'write';
      readonly name: string;
      readonly resource: ResourceAddress;
      readonly by: WriteCheck;
      readonly operation: string;
      /** Blocks the event loop for so long before. */
      readonly stallMs?: number;
    }
  /** Takes so many leases, each of a resource of its own, and keeps them. */
  | { readonly kind: 'hoard'; readonly count: number; readonly ttlMs: number }
  /** Fills so much of the heap, and replaces it for so long, with pauses in which everything else runs. */
  | { readonly kind: 'allocate'; readonly ms: number; readonly liveMb: number }
  /** Ends the process at once, as a program may that has forgotten its lease. */
  | { readonly kind: 'leave' }
  /** Acquires and releases these resources, so many at a time, again and again until told to rest. */
  | {
      readonly kind: 'work';
      /** Goes on after a failure; default: a lane ends with it. */
      readonly persists?: boolean;
      /** Where each lease writes once. Default: nowhere. */
      readonly resource?: ResourceAddress;
      readonly names: readonly string[];
      readonly lanes: number;
      readonly ttlMs: number;
      /** How long each lease is held. */
      readonly holdMs: number;
    }
  | { readonly kind: 'rest' }
  | { readonly kind: 'close' };

/** What it tells. Times are microseconds of the machine's monotonic clock, the same for all its processes. */
export type ClientEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'acquiring'; readonly name: string; readonly waitMs: number; readonly atUs: number }
  /** It may rely on its lease until then. It has heard of that after `sinceUs`, when it looked the last time before. */
  | {
      readonly kind: 'extended';
      readonly name: string;
      readonly untilUs: number;
      readonly sinceUs: number;
      readonly atUs: number;
    }
  | { readonly kind: 'releasing'; readonly name: string; readonly atUs: number }
  /** It looked at its lease and found this, right before it wrote or did not. */
  | { readonly kind: 'looked'; readonly name: string; readonly mayWrite: boolean; readonly atUs: number }
  /** The network has the bytes, or the lease forbade it. */
  | { readonly kind: 'wrote'; readonly name: string; readonly mayWrite: boolean }
  | ({ readonly kind: 'allocated' } & Collections)
  | { readonly kind: 'hoarded' }
  | { readonly kind: 'disposed'; readonly name: string }
  | { readonly kind: 'asked_to_extend'; readonly name: string; readonly refusal: string | undefined }
  /** What was done under a lease has ended with this, which is what was thrown or is not. */
  | { readonly kind: 'section_over'; readonly name: string; readonly error: string; readonly isAsThrown: boolean }
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
  /** What happens to one lease of a client at work; it has a number of its own. */
  | { readonly kind: 'at_work'; readonly shift: number; readonly event: ShiftEvent }
  | { readonly kind: 'worked'; readonly shifts: readonly Shift[]; readonly failures: readonly string[] }
  | {
      readonly kind: 'failed';
      readonly order: string;
      readonly name: string;
      readonly error: string;
      readonly message: string;
      readonly atUs: number;
    };

/** A lease of a client at work that was held to its end. */
export interface Shift {
  readonly name: string;
  readonly token: string;
}

/** What a lease at work has in common with others. */
export type ShiftEvent = Extract<
  ClientEvent,
  { readonly kind: 'acquiring' | 'granted' | 'extended' | 'looked' | 'lost' | 'releasing' | 'failed' }
>;

type EventOf<K extends ClientEvent['kind']> = Extract<ClientEvent, { kind: K }>;

/** Microseconds of the machine's monotonic clock, as in events. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** How a process is started, besides what it always needs. */
export interface Launch {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** A command that becomes another one, put before Node. */
  readonly inside?: readonly string[];
}

/** A client of the real library in a process of its own, which can be killed, stopped and stalled. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #events: ClientEvent[] = [];
  readonly #watchers = new Set<() => void>();
  #listener: (event: ClientEvent) => void = () => undefined;

  private constructor({ env, nodeArgs = [], inside = [] }: Launch) {
    const program = nodeProgram(MAIN, nodeArgs);
    const [execPath = '', ...execArgv] = [...inside, process.execPath, ...program.slice(0, -1)];
    this.#child = fork(program.at(-1) ?? MAIN, {
      execPath,
      execArgv,
      stdio: 'inherit',
      // A time to live may be no number.
      serialization: 'advanced',
      env: { ...process.env, ...env },
    });
    this.#child.on('message', (event: ClientEvent) => {
      this.#events.push(event);
      this.#listener(event);
      for (const look of this.#watchers) look();
    });
  }

  /** Starts a process and connects it. */
  static async start(targets: Targets, name: string, options: ConnectOptions = {}): Promise<ClientProcess> {
    const started = await ClientProcess.idle();
    await started.connect(targets, name, options);
    return started;
  }

  /** Starts a process that is not connected yet. */
  static async idle(launch: Launch = {}): Promise<ClientProcess> {
    const started = new ClientProcess(launch);
    await started.next('ready');
    return started;
  }

  /** Has it begin anew as another client; what it told before is forgotten. */
  async connect(targets: Targets, name: string, options: ConnectOptions = {}): Promise<void> {
    await this.do({ kind: 'connect', targets, name, options }, 'connected');
    this.#events.length = 0;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has somebody told of everything it tells from now on. */
  heardBy(listener: (event: ClientEvent) => void): void {
    this.#listener = listener;
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

  /** The states it has been in since it was connected. */
  get states(): readonly ClientState[] {
    return this.#events.flatMap((event) => (event.kind === 'state' ? [event.state] : []));
  }

  /** The latest event of a kind. */
  last<K extends ClientEvent['kind']>(kind: K): EventOf<K> | undefined {
    return this.#events.findLast((event): event is EventOf<K> => event.kind === kind);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when the process is gone. */
  get ended(): Promise<unknown> {
    return this.#child.exitCode === null && this.#child.signalCode === null
      ? once(this.#child, 'exit')
      : Promise.resolve();
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
