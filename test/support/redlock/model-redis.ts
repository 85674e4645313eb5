import type { Clock } from '../../../server/src/core/ports.js';
import type {
  BatchReply,
  BatchVerb,
  ErrandReply,
  NodeBatch,
  NodeErrand,
  NodeFacts,
  NodeFault,
  NodeId,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { Keyspace } from './keyspace.js';
import type { ScriptRule } from './script-context.js';

/** 2026-09-21, as the virtual clock's wall has it. */
const EPOCH_MS = 1_789_999_999_000;

/** A connection to a model Redis, as the Redis sees it. */
export interface ModelConnection {
  /** The process is gone, or throws the connection out. */
  dropped(fault: NodeFault): void;
  hinted(hint: 'released' | 'wanted', key: string): void;
  /** Its timer is due: look at the facts again. */
  recheck(): void;
}

/** Sees from outside what scripts do, and when a memory is lost. */
export interface Witness {
  batch<V extends BatchVerb>(batch: NodeBatch<V>, run: () => BatchReply<V>): BatchReply<V>;
  errand(errand: NodeErrand, run: () => ErrandReply): ErrandReply;
  forgot(): void;
}

export interface ModelRedisOptions {
  /** How far its wall clock is from the world's. */
  readonly offsetMs?: number;
  /** How fast its clock runs. */
  readonly rate?: number;
  /** Rules that its scripts are without. */
  readonly without?: readonly ScriptRule[];
}

/**
 * One Redis process: what it keeps, who it is, what time it thinks it is. Servers reach it through a `ModelNode` each.
 * Time in the world is virtual; its own is a wall clock that tests may step.
 */
export class ModelRedis {
  readonly keys: Keyspace;
  readonly without: ReadonlySet<ScriptRule>;
  /** When set, every call is answered with this and does nothing: read-only, cannot persist, … */
  failing: NodeFault | undefined;
  /** Writes that need memory are refused. */
  outOfMemory = false;
  evictedKeys = 0;
  witness: Witness | undefined;
  #offsetMs: number;
  #rate: number;
  #life = 1;
  #history = 1;
  #running = true;
  #paused = false;
  #refusal: NodeFault | undefined;
  /** What arrived while the process was stopped by a signal, in order. */
  #arrived: (() => void)[] = [];
  readonly #connections = new Set<ModelConnection>();

  constructor(
    readonly world: Pick<Clock, 'nowMs' | 'after'>,
    readonly id: NodeId,
    { offsetMs = 0, rate = 1, without = [] }: ModelRedisOptions = {},
  ) {
    this.#offsetMs = offsetMs;
    this.#rate = rate;
    this.without = new Set(without);
    this.keys = new Keyspace(() => this.wallMs());
  }

  /** Its wall clock: milliseconds since 1970 with a fraction. */
  wallMs(): number {
    return EPOCH_MS + this.world.nowMs() * this.#rate + this.#offsetMs;
  }

  get clockUs(): number {
    return Math.floor(this.wallMs() * 1_000);
  }

  get identity(): string {
    return `${this.id}-run-${this.#life} history-${this.#history}`;
  }

  get facts(): NodeFacts {
    return { identity: this.identity, version: 'redis 7.0.15', evictedKeys: this.evictedKeys };
  }

  /** Why a connection cannot be made now. */
  get refusal(): NodeFault | undefined {
    if (!this.#running) return { kind: 'unreachable', message: 'refused the connection' };
    return this.#paused ? { kind: 'timed_out', message: 'timed out' } : this.#refusal;
  }

  /** Counts restarts: a call sent to an earlier process never runs in a later one. */
  get life(): number {
    return this.#life;
  }

  stepClock(byMs: number): void {
    this.#offsetMs += byMs;
  }

  get rate(): number {
    return this.#rate;
  }

  /** From now on its clock runs at another rate. */
  setRate(rate: number): void {
    this.#offsetMs += this.world.nowMs() * (this.#rate - rate);
    this.#rate = rate;
  }

  /** Active expiry: removes expired keys, all or those chosen. Without it a step back makes them visible again. */
  sweep(chosen: (key: string) => boolean = () => true): void {
    this.keys.sweep(chosen);
  }

  /** FLUSHALL: connections stay. */
  wipe(): void {
    this.keys.clear();
    this.witness?.forgot();
  }

  /** The process ends and begins anew at once, with nothing or with what it kept. */
  restart(memory: 'empty' | 'kept'): void {
    this.stop();
    this.start(memory);
  }

  stop(): void {
    this.#running = false;
    this.#paused = false;
    this.#arrived = [];
    this.#dropAll({ kind: 'unreachable', message: 'closed the connection' });
  }

  start(memory: 'empty' | 'kept'): void {
    this.#running = true;
    this.#life += 1;
    if (memory === 'kept') return;
    this.#history += 1;
    this.keys.clear();
    this.witness?.forgot();
  }

  /** SIGSTOP: calls wait, and run at `resume`, even those whose sender has gone away. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const run of this.#arrived.splice(0)) run();
  }

  /** Throws everybody out and lets nobody in, for this reason. */
  refuse(fault: NodeFault): void {
    this.#refusal = fault;
    this.#dropAll(fault);
  }

  accept(): void {
    this.#refusal = undefined;
  }

  /** Another history, as after a promotion or a first replica: the process and its data are the same. */
  changeHistory(): void {
    this.#history += 1;
  }

  /** Lets every connection look at the facts again, as their timers do. */
  recheck(): void {
    for (const connection of [...this.#connections]) connection.recheck();
  }

  connected(connection: ModelConnection): void {
    this.#connections.add(connection);
  }

  disconnected(connection: ModelConnection): void {
    this.#connections.delete(connection);
  }

  /** A call has come in: it runs now, or when the process goes on. */
  arrive(run: () => void): void {
    if (!this.#running) return;
    if (this.#paused) this.#arrived.push(run);
    else run();
  }

  publish(hint: 'released' | 'wanted', key: string): void {
    for (const connection of [...this.#connections]) connection.hinted(hint, key);
  }

  #dropAll(fault: NodeFault): void {
    for (const connection of [...this.#connections]) connection.dropped(fault);
  }
}
