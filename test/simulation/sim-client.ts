import { LeaseLostError } from '../../client/src/errors.js';
import type { HeldLease } from '../../client/src/session/held-lease.js';
import { Session } from '../../client/src/session/session.js';
import type { History } from './history.js';
import { type Reachable, readFailure, type SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './world.js';

export interface Workload {
  readonly resources: readonly string[];
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly maxWaitMs: number;
  readonly maxHoldMs: number;
  /** How many acquires one client has under way at a time. */
  readonly concurrency: number;
}

/** The real lease logic of the client in a simulated process, with somebody who uses it. */
export class SimClient {
  readonly session: Session;
  readonly #held = new Set<HeldLease>();
  #stopped = false;

  constructor(
    readonly process: SimProcess,
    network: SimNetwork,
    server: Reachable,
    private readonly random: SeededRandom,
    private readonly history: History,
    private readonly work: Workload,
  ) {
    const ports = {
      clock: process,
      random,
      transport: network.transport(process, server),
      readFailure,
      engaged: () => undefined,
    };
    const options = {
      clientName: process.name,
      namespace: '',
      abortMarginMs: undefined,
      attemptTimeoutMs: 1_000,
      maxBackoffMs: 500,
      answerTimeoutMs: 200,
      closeTimeoutMs: 2_000,
    };
    this.session = new Session(ports, options, () => undefined);
    this.session.start();
    for (let index = 0; index < work.concurrency; index += 1) this.#later(50, () => this.#acquire());
  }

  /** Starts nothing new, and gives back what it holds. */
  stop(): void {
    this.#stopped = true;
    for (const lease of [...this.#held]) this.#release(lease);
  }

  #acquire(): void {
    if (this.#stopped) return;
    const { random, session, work } = this;
    const waitMs = random.chance(0.2) ? 0 : Math.round(random.between(1, work.maxWaitMs));
    if (session.refusal(waitMs > 0) !== undefined) {
      this.#later(200, () => this.#acquire());
      return;
    }
    const resource = random.pick(work.resources);
    const operation = this.history.invoked(this.process, resource, waitMs);
    const spec = {
      name: resource,
      ttlMs: Math.round(random.between(work.minTtlMs, work.maxTtlMs)),
      manualExtension: random.chance(0.1),
      traceparent: '',
      tracestate: '',
    };
    const next = (): void => {
      this.history.settled(operation);
      this.#later(100, () => this.#acquire());
    };
    const acquisition = session.acquire(spec, waitMs, {
      granted: (lease) => {
        this.history.granted(operation, lease);
        this.#hold(lease);
      },
      denied: next,
      failed: next,
    });
    if (!random.chance(0.15)) return;
    this.#later(waitMs, () => {
      session.cancel(acquisition, new Error('changed its mind'));
    });
  }

  #hold(lease: HeldLease): void {
    this.#held.add(lease);
    lease.listener = (_state, error) => {
      // At its margin a lease is lost for its user, who may take the margin to wind down; at other losses, nobody may.
      if (error instanceof LeaseLostError && error.how !== 'deadline') this.history.over(lease, 'lost');
    };
    const holdMs = this.random.between(0, this.work.maxHoldMs);
    this.process.after(holdMs, () => {
      this.#release(lease);
      this.#later(100, () => this.#acquire());
    });
  }

  #release(lease: HeldLease): void {
    if (!this.#held.delete(lease)) return;
    this.history.over(lease, 'gives back');
    void this.session.leases.release(lease);
  }

  #later(withinMs: number, run: () => void): void {
    this.process.after(this.random.between(0, withinMs), run);
  }
}
