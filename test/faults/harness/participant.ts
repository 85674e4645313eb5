import type { ConnectOptions } from '@holdfast/client';
import {
  type ClientEvent,
  ClientProcess,
  type Launch,
  type ResourceAddress,
  type Shift,
  type WriteCheck,
} from '../../support/client-process.js';
import type { RunHistory, Writer } from './run-history.js';

export type Granted = Extract<ClientEvent, { kind: 'granted' }>;
type Wrote = Extract<ClientEvent, { kind: 'wrote' }>;
type Worked = Extract<ClientEvent, { kind: 'worked' }>;

/** As quick as a test wants them. */
const QUICK: ConnectOptions = { maxBackoffMs: 100 };

/** A client process all of whose doings are in the history of the run. */
export class Participant {
  readonly #toldBy: Writer;
  /** What was done to the process, which it does not know of. */
  readonly #done: Writer;
  /** The acquire under way for a resource, and the token of the last grant. */
  readonly #operations = new Map<string, string>();
  readonly #tokens = new Map<string, string>();
  #acquires = 0;
  #alive = true;

  private constructor(
    readonly name: string,
    private readonly process: ClientProcess,
    private readonly history: RunHistory,
  ) {
    this.#toldBy = history.writer();
    this.#done = history.writer();
    process.heardBy((event) => this.#heard(event));
  }

  static async start(name: string, history: RunHistory, launch: Launch): Promise<Participant> {
    return new Participant(name, await ClientProcess.idle(launch), history);
  }

  async connect(...targets: readonly string[]): Promise<void> {
    await this.process.connect(targets, this.name, QUICK);
  }

  acquire(resource: string, ttlMs: number, waitMs = 0): Promise<Granted> {
    return this.process.do({ kind: 'acquire', name: resource, ttlMs, waitMs }, 'granted');
  }

  /** The words of the refusal; a grant is none. */
  async refusal(resource: string, ttlMs: number, waitMs = 0): Promise<string | undefined> {
    try {
      await this.acquire(resource, ttlMs, waitMs);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Looks at the lease as it is told to and then writes, or does not; resolves when the network has the bytes. */
  write(
    name: string,
    resource: ResourceAddress,
    operation: string,
    how: { readonly by?: WriteCheck; readonly stallMs?: number } = {},
  ): Promise<Wrote> {
    const { by = 'assertHeld', stallMs = 0 } = how;
    return this.process.do({ kind: 'write', name, resource, operation, by, stallMs }, 'wrote');
  }

  async mayWrite(name: string): Promise<boolean> {
    return (await this.process.do({ kind: 'look', name }, 'view')).mayWrite;
  }

  async release(name: string): Promise<string> {
    return (await this.process.do({ kind: 'release', name }, 'released')).outcome;
  }

  /** Resolves with the moment at which its signal aborts, in microseconds. */
  async lost(): Promise<number> {
    return (this.process.last('lost') ?? (await this.process.next('lost'))).atUs;
  }

  /** Resolves when it has dealt with what it was told before. */
  async answersOrders(): Promise<void> {
    await this.process.do({ kind: 'allocate', ms: 0 }, 'allocated');
  }

  has(kind: ClientEvent['kind']): boolean {
    return this.process.has(kind);
  }

  /** Works until `rest`, whatever fails meanwhile. */
  work(names: readonly string[], ttlMs: number, holdMs: number, resource?: ResourceAddress): void {
    const where = resource === undefined ? {} : { resource };
    this.process.tell({ kind: 'work', names, lanes: 2, ttlMs, holdMs, persists: true, ...where });
  }

  async rest(): Promise<Worked> {
    const worked = await this.process.do({ kind: 'rest' }, 'worked');
    // Lanes overlap in time, so each shift is a part of the history by itself.
    for (const shift of worked.shifts) enter(this.history.writer(), this.name, shift);
    return worked;
  }

  async allocate(ms: number): Promise<void> {
    await this.process.do({ kind: 'allocate', ms }, 'allocated');
  }

  stop(): void {
    this.process.signal('SIGSTOP');
    this.#done({ kind: 'paused', client: this.name });
  }

  continue(): void {
    this.#done({ kind: 'resumed', client: this.name });
    this.process.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    await this.process.kill();
    this.#died();
  }

  /** Has it exit by itself, in the middle of whatever it does. */
  async leave(): Promise<void> {
    this.process.tell({ kind: 'leave' });
    await this.process.ended;
    this.#died();
  }

  #died(): void {
    if (this.#alive) this.#done({ kind: 'died', client: this.name });
    this.#alive = false;
  }

  #heard(event: ClientEvent): void {
    if (!('atUs' in event) || !('name' in event)) return;
    const { atUs, name: resource } = event;
    const client = this.name;
    const token = this.#tokens.get(resource);
    switch (event.kind) {
      case 'acquiring':
        this.#acquires += 1;
        this.#operations.set(resource, `acquire-${this.#acquires}`);
        this.#toldBy(
          { kind: 'invoke', client, operation: this.#operation(resource), resource, waitMs: event.waitMs },
          atUs,
        );
        return;
      case 'granted': {
        const deadlineUs = Math.round(atUs + event.remainingMs * 1_000);
        this.#tokens.set(resource, event.token);
        this.#toldBy(
          { kind: 'grant', client, operation: this.#operation(resource), token: event.token, deadlineUs },
          atUs,
        );
        return;
      }
      case 'failed':
        if (event.order === 'acquire') this.#refused(this.#operation(resource), event.error, atUs);
        return;
      default:
        if (token !== undefined) this.#ofLease(event, { client, resource, token }, atUs);
    }
  }

  #ofLease(event: ClientEvent, lease: { client: string; resource: string; token: string }, atUs: number): void {
    if (event.kind === 'extended') {
      this.#toldBy({ kind: 'extension', ...lease, deadlineUs: Math.round(event.untilUs) }, atUs);
    } else if (event.kind === 'lost') {
      this.#toldBy({ kind: 'belief_ends', ...lease }, atUs);
    } else if (event.kind === 'releasing') {
      this.#toldBy({ kind: 'release_call', ...lease }, atUs);
    } else if (event.kind === 'wrote') {
      this.#toldBy({ kind: 'look', ...lease, held: event.mayWrite }, atUs);
    }
  }

  #refused(operation: string, code: string, atUs: number): void {
    const client = this.name;
    if (code === 'WaitTimeoutError') this.#toldBy({ kind: 'denial', client, operation }, atUs);
    else this.#toldBy({ kind: 'failure', client, operation, code }, atUs);
  }

  #operation(resource: string): string {
    return this.#operations.get(resource) ?? 'never called';
  }
}

/** One lease of somebody's work, as if it had been told of one event after the other. */
function enter(write: Writer, client: string, { name: resource, token, calledUs, fromUs, toUs }: Shift): void {
  const operation = `work-${token}`;
  write({ kind: 'invoke', client, operation, resource, waitMs: WORK_WAIT_MS }, calledUs);
  write({ kind: 'grant', client, operation, token, deadlineUs: Math.max(fromUs, toUs) }, fromUs);
  write({ kind: 'release_call', client, resource, token }, toUs);
}

const WORK_WAIT_MS = 60_000;
