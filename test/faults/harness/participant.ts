import type { ClientState, ConnectOptions } from '@holdfast/client';
import type { HistoryRecord } from '../../history/record.js';
import {
  type ClientEvent,
  ClientProcess,
  type Launch,
  type ResourceAddress,
  type WriteCheck,
} from '../../support/client-process.js';
import { ToldByClient } from '../../support/client-record.js';
import type { Collections } from '../../support/garbage.js';

export type Granted = Extract<ClientEvent, { kind: 'granted' }>;
export type Wrote = Extract<ClientEvent, { kind: 'wrote' }>;
type SectionOver = Extract<ClientEvent, { kind: 'section_over' }>;
type Worked = Extract<ClientEvent, { kind: 'worked' }>;

/** As quick as a test wants them. */
const QUICK: ConnectOptions = { maxBackoffMs: 100 };

/** A client process all of whose doings are in the history of the run. */
export class Participant {
  #alive = true;

  private constructor(
    readonly name: string,
    private readonly process: ClientProcess,
    private readonly record: HistoryRecord,
  ) {
    const told = new ToldByClient(name, record);
    process.heardBy((event) => told.hear(event));
  }

  static async start(name: string, record: HistoryRecord, launch: Launch): Promise<Participant> {
    return new Participant(name, await ClientProcess.idle(launch), record);
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

  /** The words of the refusal; an extension is none. */
  async notExtended(name: string): Promise<string | undefined> {
    return (await this.process.do({ kind: 'extend', name }, 'asked_to_extend')).refusal;
  }

  /** Does something under a lease, and answers how that ended. */
  section(name: string, ttlMs: number, body: 'throws' | 'never ends'): Promise<SectionOver> {
    return this.process.do({ kind: 'section', name, ttlMs, body }, 'section_over');
  }

  /** Ends a lease as leaving a scope does. */
  async dispose(name: string): Promise<void> {
    await this.process.do({ kind: 'dispose', name }, 'disposed');
  }

  /** Resolves with the moment at which its signal aborts, in microseconds. */
  async lost(): Promise<number> {
    return (this.process.last('lost') ?? (await this.process.next('lost'))).atUs;
  }

  /** Resolves when it has dealt with what it was told before. */
  async answersOrders(): Promise<void> {
    await this.allocate(0);
  }

  /** The states it has been in since it was connected. */
  get states(): readonly ClientState[] {
    return this.process.states;
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
    return this.process.do({ kind: 'rest' }, 'worked');
  }

  /** Takes so many leases and keeps them; they are in nobody's history. */
  async hoard(count: number, ttlMs: number): Promise<void> {
    await this.process.do({ kind: 'hoard', count, ttlMs }, 'hoarded');
  }

  /** Replaces what fills so much of its heap, for so long. */
  allocate(ms: number, liveMb = 1): Promise<Collections> {
    return this.process.do({ kind: 'allocate', ms, liveMb }, 'allocated');
  }

  /** The same beside other orders, any of which may fail: nobody waits for it. */
  keepBusy(ms: number): void {
    this.process.tell({ kind: 'allocate', ms, liveMb: 1 });
  }

  stop(): void {
    this.process.signal('SIGSTOP');
    this.record.add({ kind: 'paused', client: this.name });
  }

  continue(): void {
    this.record.add({ kind: 'resumed', client: this.name });
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
    if (this.#alive) this.record.add({ kind: 'died', client: this.name });
    this.#alive = false;
  }
}
