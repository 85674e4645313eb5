import { expect } from 'chai';
import { type AcquireOptions, Client } from '../../client/src/client.js';
import type { Lease } from '../../client/src/lease.js';
import type { SessionOptions } from '../../client/src/session/context.js';
import type { Random, Stream, StreamHandler, Transport } from '../../client/src/session/ports.js';
import { readFailure } from '../../client/src/transport/failure-details.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { INTERVAL_MS, ScriptedStream } from './client-scripted-stream.js';

/** A client in virtual time against servers that do what they are told. */
export class ClientHarness implements Transport {
  readonly clock = new VirtualClock();
  readonly streams: ScriptedStream[] = [];
  readonly client: Client;
  readonly states: string[] = [];
  /** Whether the client says that it has something under way. */
  engaged = false;
  readonly #lastId = { value: 0 };

  constructor(
    options: Partial<SessionOptions> = {},
    readonly targetCount = 1,
  ) {
    this.client = new Client(
      {
        clock: this.clock,
        random: seededRandom(),
        transport: this,
        readFailure,
        engaged: (engaged) => {
          this.engaged = engaged;
        },
      },
      {
        clientName: 'tester',
        namespace: '',
        abortMarginMs: undefined,
        attemptTimeoutMs: 3_000,
        maxBackoffMs: 2_000,
        answerTimeoutMs: 5_000,
        closeTimeoutMs: 2_000,
        ...options,
      },
    );
    this.client.on('state', (state) => this.states.push(state));
  }

  targetName(index: number): string {
    return `server-${index}`;
  }

  open(targetIndex: number, handler: StreamHandler): Stream {
    const stream = new ScriptedStream(this.clock, handler, targetIndex, this.#lastId);
    this.streams.push(stream);
    return stream;
  }

  /** The stream opened last. */
  get stream(): ScriptedStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('the client opened no stream');
    return stream;
  }

  /** A client whose first stream is open. */
  static async connected(
    options: Partial<SessionOptions> = {},
    targetCount = 1,
    opened: Parameters<ScriptedStream['opened']>[0] = {},
  ): Promise<ClientHarness> {
    const harness = new ClientHarness(options, targetCount);
    const opening = harness.client.open(10_000);
    harness.stream.ready();
    harness.stream.opened(opened);
    await opening;
    return harness;
  }

  /** Waits for the next stream after a break, and answers its Open. */
  async reconnect(): Promise<ScriptedStream> {
    const before = this.streams.length;
    await this.clock.advance(10);
    expect(this.streams.length).to.equal(before + 1);
    this.stream.ready();
    this.stream.opened();
    await this.clock.settle();
    return this.stream;
  }

  /** Breaks the stream and comes back on another one. */
  async breakAndReconnect(): Promise<ScriptedStream> {
    this.stream.close();
    return this.reconnect();
  }

  /** Acquires, and grants what was asked for. */
  async hold(name: string, options: AcquireOptions = {}, grant: Parameters<ScriptedStream['grant']>[1] = {}) {
    const pending = this.client.acquire(name, options);
    await this.clock.settle();
    const id = this.stream.grantLast({ ttlMs: options.ttlMs ?? 30_000, durationMs: options.ttlMs ?? 30_000, ...grant });
    const lease: Lease = await pending;
    return { lease, id };
  }

  /** Lets time pass while every beat is answered, extending these. */
  async beat(forMs: number, durationMs = 30_000, ...requests: readonly number[]): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += INTERVAL_MS) {
      const beats = this.stream.sent('heartbeat').length;
      await this.clock.advance(INTERVAL_MS);
      if (this.stream.sent('heartbeat').length > beats) this.stream.extendAtBeat(durationMs, ...requests);
    }
    await this.clock.settle();
  }
}

/** How a promise stands, without waiting for it. */
export async function outcomeOf<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown } | 'pending'> {
  const pending = new Promise<'pending'>((resolve) => setImmediate(resolve, 'pending'));
  return Promise.race([
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    pending,
  ]);
}

/** What a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}

function seededRandom(): Random {
  let state = 12_345;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return { unit: next, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}
