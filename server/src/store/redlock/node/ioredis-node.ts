import type { Clock, Random, Timer } from '../../../core/ports.js';
import {
  type BatchReply,
  type BatchVerb,
  type ErrandReply,
  MAX_ENTRIES,
  type NodeBatch,
  type NodeErrand,
  type NodeFacts,
  type NodeFault,
  type NodeId,
  type NodeListener,
  type RedisNode,
} from '../coordinator/redis-node.js';
import { type RedlockSettings, sharesKeys } from '../coordinator/settings.js';
import { backOffMs } from './back-off.js';
import { configurationText } from './configuration-text.js';
import { Connection, type Endpoint, type Outcome } from './connection.js';
import { runErrand } from './errands.js';
import { HintListener } from './hints.js';
import type { NodeAddress, NodeTls } from './node-address.js';
import { lockPattern, nodeKeys } from './node-keys.js';
import { payloadOf } from './payload.js';
import { readBatchReply } from './reply.js';
import type { ScriptName, ScriptShas } from './scripts/all-scripts.js';
import type { ScriptConstants } from './scripts/prelude.js';
import { loadScripts, verify } from './verification.js';

/** How long connecting, and each verification, may take. */
const VERIFY_DEADLINE_MS = 3_000;
const CHECK_EVERY_MS = 5_000;
/** A node that is not fit for use is looked at more often. */
const RECHECK_EVERY_MS = 1_000;

export interface IoredisNodeOptions {
  readonly id: NodeId;
  readonly address: NodeAddress;
  readonly tls: NodeTls | undefined;
  readonly clusterId: string;
  /** Of this server's process: tells its wants from those of others. */
  readonly serverId: string;
  readonly settings: Pick<RedlockSettings, 'windowMs' | 'ballotMs' | 'admissionMs' | 'keyTemplate' | 'configuration'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** What this connection may call: scripts that are bound to the process of Redis it was verified for. */
interface Verified {
  readonly identity: string;
  readonly shas: ScriptShas;
}

/** A node behind ioredis. Every call is answered once, if only by `reconnect` or `close`. */
export class IoredisNode implements RedisNode {
  readonly id: NodeId;
  readonly #options: IoredisNodeOptions;
  readonly #endpoint: Endpoint;
  #listener: NodeListener | undefined;
  #hints: HintListener | undefined;
  #connection: Connection | undefined;
  #verified: Verified | undefined;
  /** Why calls are refused while nothing is verified. */
  #fault: NodeFault = { kind: 'unreachable', message: 'is not connected yet' };
  #toldFault: NodeFault | undefined;
  /** Ends of older verifications are ignored. */
  #round = 0;
  #failures = 0;
  /** The next thing to do by time; there is only ever one. */
  #timer: Timer | undefined;

  constructor(options: IoredisNodeOptions) {
    this.id = options.id;
    this.#options = options;
    this.#endpoint = { address: options.address, tls: options.tls };
  }

  open(listener: NodeListener): void {
    if (this.#listener !== undefined) throw new Error(`node ${this.id} is open already`);
    this.#listener = listener;
    const { clusterId, clock, random } = this.#options;
    this.#hints = new HintListener(this.#endpoint, nodeKeys(clusterId).hints, listener, { clock, random });
    this.#connect();
  }

  batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    if (batch.entries.length > MAX_ENTRIES) {
      const message = `was given ${batch.entries.length} entries at once; at most ${MAX_ENTRIES}`;
      answered({ kind: 'fault', fault: { kind: 'overloaded', message } });
      return;
    }
    const payload = attempt(() => payloadOf(batch));
    if (payload.kind === 'fault') {
      answered(payload);
      return;
    }
    this.#run(batch.verb, [payload.value, this.#options.serverId], (outcome) => {
      answered(outcome.kind === 'fault' ? outcome : flat(attempt(() => readBatchReply(batch, outcome.reply))));
    });
  }

  errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void {
    void runErrand(errand, (name, args) => new Promise((resolve) => this.#run(name, args, resolve))).then(answered);
  }

  reconnect(): void {
    const connection = this.#connection;
    if (connection !== undefined)
      this.#lost({ kind: 'timed_out', message: 'did not answer, and is connected to anew' });
  }

  async close(): Promise<void> {
    this.#end({ kind: 'unreachable', message: 'is not connected to any more' });
  }

  #run(name: ScriptName, args: readonly (string | Buffer)[], settle: (outcome: Outcome) => void): void {
    const verified = this.#verified;
    const connection = this.#connection;
    if (verified === undefined || connection === undefined) {
      settle({ kind: 'fault', fault: this.#fault });
      return;
    }
    connection.send('evalsha', [verified.shas[name], '0', ...args], (outcome) => {
      if (outcome.kind === 'fault') this.#suspect(verified, outcome.fault);
      // A vote of a time before the node was doubted does not count after it. What it was asked, it has done.
      const stale = outcome.kind === 'reply' && this.#verified !== verified;
      settle(stale ? inDoubt(this.#fault) : outcome);
    });
  }

  /** Some faults say that the node is no longer what it was verified to be. */
  #suspect(verified: Verified, fault: NodeFault): void {
    const doubtful = fault.kind === 'read_only' || fault.kind === 'unverified' || fault.kind === 'loading';
    if (!doubtful || this.#verified !== verified || this.#connection === undefined) return;
    this.#down(fault);
    void this.#verify(this.#connection);
  }

  #connect(): void {
    const connection: Connection = new Connection(this.#endpoint, {
      opened: () => void this.#introduce(connection),
      closed: (fault) => {
        if (this.#connection === connection) this.#lost(fault);
      },
    });
    this.#connection = connection;
    this.#watch('could not be connected to');
  }

  async #introduce(connection: Connection): Promise<void> {
    this.#watch('did not let itself be verified');
    const refused = await connection.introduce();
    if (this.#connection !== connection) return;
    if (refused === undefined) await this.#verify(connection);
    else this.#lost(refused);
  }

  async #verify(connection: Connection): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    const superseded = (): boolean => this.#round !== round || this.#connection !== connection;
    this.#watch('did not let itself be verified');
    const inspection = await verify(connection);
    if (superseded()) return;
    if (inspection.kind === 'unfit') return this.#unfit(inspection.fault);
    const { facts } = inspection;
    if (this.#verified?.identity === facts.identity) return this.#passed(facts);
    if (this.#verified !== undefined) {
      this.#down({ kind: 'unverified', message: 'has become another process, or has changed its role' });
    }
    const loaded = await loadScripts(connection, this.#constants(facts.identity));
    if (superseded()) return;
    if (loaded.kind === 'fault') return this.#unfit(loaded.fault);
    this.#verified = { identity: facts.identity, shas: loaded.shas };
    this.#failures = 0;
    this.#hints?.start();
    this.#passed(facts);
  }

  #passed(facts: NodeFacts): void {
    this.#toldFault = undefined;
    this.#next(CHECK_EVERY_MS, () => this.#check());
    this.#listener?.verified(facts);
  }

  #unfit(fault: NodeFault): void {
    this.#next(RECHECK_EVERY_MS, () => this.#check());
    this.#down(fault);
  }

  #check(): void {
    if (this.#connection !== undefined) void this.#verify(this.#connection);
  }

  /** The connection is over: tries again after a while. */
  #lost(fault: NodeFault): void {
    this.#end(fault);
    this.#next(backOffMs(this.#failures, this.#options.random), () => this.#connect());
    this.#failures += 1;
    this.#down(fault);
  }

  #end(fault: NodeFault): void {
    this.#timer?.cancel();
    this.#verified = undefined;
    this.#fault = fault;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#hints?.stop();
    connection?.drop(fault);
  }

  #down(fault: NodeFault): void {
    this.#verified = undefined;
    this.#fault = fault;
    const told = this.#toldFault;
    if (told?.kind === fault.kind && told.message === fault.message) return;
    this.#toldFault = fault;
    this.#listener?.down(fault);
  }

  #watch(what: string): void {
    const message = `${what} within ${VERIFY_DEADLINE_MS} ms`;
    this.#next(VERIFY_DEADLINE_MS, () => this.#lost({ kind: 'timed_out', message }));
  }

  #next(delayMs: number, action: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, action);
  }

  #constants(identity: string): ScriptConstants {
    const { clusterId, settings } = this.#options;
    const { windowMs, ballotMs, admissionMs, keyTemplate } = settings;
    return {
      identity,
      clusterId,
      configuration: configurationText(settings.configuration),
      windowMs,
      ballotMs,
      admissionMs,
      sharedKeys: sharesKeys(settings),
      lockPattern: lockPattern(keyTemplate),
    };
  }
}

/** Not the fault itself: one that keeps calls from being sent says that nothing was done. */
function inDoubt({ message }: NodeFault): Outcome {
  return { kind: 'fault', fault: { kind: 'error', message: `answered in doubt: ${message}` } };
}

type Attempt<T> = { readonly kind: 'value'; readonly value: T } | { readonly kind: 'fault'; readonly fault: NodeFault };

function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { kind: 'value', value: act() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'fault', fault: { kind: 'error', message: `cannot be understood: ${message}` } };
  }
}

function flat<V extends BatchVerb>(read: Attempt<BatchReply<V>>): BatchReply<V> {
  return read.kind === 'value' ? read.value : read;
}
