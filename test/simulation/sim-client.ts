import { HoldfastError, LeaseLostError } from '../../client/src/errors.js';
import type { HeldLease } from '../../client/src/session/held-lease.js';
import { Session } from '../../client/src/session/session.js';
import { readFailure } from '../../client/src/transport/failure-details.js';
import type { Grant, History } from '../history/history.js';
import type { Reachable } from './connection.js';
import type { SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';

export interface Workload {
  readonly resources: readonly string[];
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly maxWaitMs: number;
  readonly maxHoldMs: number;
  /** The longest between two acquires. */
  readonly maxPauseMs: number;
  /** How many acquires one client has under way at a time. */
  readonly concurrency: number;
  /** The share of acquires that do not wait, … */
  readonly triesOnly: number;
  /** … of those that are cancelled, if they have not been answered, … */
  readonly cancelled: number;
  /** … and of leases that are not extended. */
  readonly unextended: number;
}

/** How many writes to the resource a holder makes. */
const WRITES = 2;
/** Who got nothing tries again within that time. */
const REFUSED_PAUSE_MS = 60;
/** How long one of the acquires at the end waits, and what lies between two. */
const PROBE_WAIT_MS = 2_000;
const PROBE_PAUSE_MS = 50;
/** Of so many secrets of one lease, the oldest are forgotten. */
const MOST_SECRETS = 8;
/** The share of writes made without a look at the lease. */
const CARELESS = 0.3;

/** What an acquire that its caller has cancelled fails with: the caller's own reason. */
const CANCELLED = 'CANCELLED';
/** What an acquire may fail with, whatever is the matter (I10). */
export const FAILURE_CODES: readonly string[] = ['UNAVAILABLE', 'INVALID_ARGUMENT', 'CLIENT_CLOSED', CANCELLED];

/** The real lease logic of the client in a simulated process, with somebody who uses it. */
export class SimClient {
  readonly session: Session;
  readonly #held = new Map<HeldLease, Grant>();
  #stopped = false;

  constructor(
    readonly process: SimProcess,
    private readonly network: SimNetwork,
    private readonly servers: readonly Reachable[],
    private readonly random: SeededRandom,
    private readonly history: History,
    private readonly work: Workload,
    /** Whether nobody else can be granted what was granted with this token. */
    private readonly stands: (resource: string, token: bigint) => boolean,
  ) {
    const ports = {
      clock: process,
      random,
      transport: network.transport(process, servers),
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
    for (let index = 0; index < work.concurrency; index += 1) this.#later(50, () => this.#acquireSomething());
  }

  /** Whether it relies on anything. */
  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** Starts nothing new, and gives back what it holds. */
  stop(): void {
    this.#stopped = true;
    for (const lease of [...this.#held.keys()]) this.#release(lease);
  }

  /** Acquires besides the others, until one is granted or the time is over; given back at once. */
  probe(resource: string, deadlineMs: number, ended: (denied: string | undefined) => void): void {
    const leftMs = deadlineMs - this.process.world.nowMs;
    const denied = (why: string): void => {
      if (leftMs < PROBE_PAUSE_MS) ended(why);
      else this.process.after(PROBE_PAUSE_MS, () => this.probe(resource, deadlineMs, ended));
    };
    const refusal = this.session.refusal(true);
    if (refusal !== undefined) {
      denied(refusal.message);
      return;
    }
    const waitMs = Math.max(1, Math.floor(Math.min(leftMs, PROBE_WAIT_MS)));
    const operation = this.history.invoked(this.process, resource, waitMs);
    this.session.acquire(this.#spec(resource, this.work.minTtlMs), waitMs, {
      granted: (lease) => {
        this.history.granted(operation, this.#keep(lease));
        this.#release(lease);
        ended(undefined);
      },
      denied: () => {
        this.history.settled(operation);
        denied('it was held all the time');
      },
      failed: (error) => {
        this.history.failed(operation, codeOf(error));
        denied(String(error));
      },
    });
  }

  #acquireSomething(): void {
    if (this.#stopped) return;
    const { random, session, work } = this;
    const waitMs = random.chance(work.triesOnly) ? 0 : Math.round(random.between(1, work.maxWaitMs));
    if (session.refusal(waitMs > 0) !== undefined) {
      this.#later(REFUSED_PAUSE_MS, () => this.#acquireSomething());
      return;
    }
    const resource = random.pick(work.resources);
    const operation = this.history.invoked(this.process, resource, waitMs);
    const spec = this.#spec(resource, Math.round(random.between(work.minTtlMs, work.maxTtlMs)));
    const next = (): void => {
      this.#later(Math.max(work.maxPauseMs, REFUSED_PAUSE_MS), () => this.#acquireSomething());
    };
    const acquisition = session.acquire(spec, waitMs, {
      granted: (lease) => {
        this.history.granted(operation, this.#keep(lease));
        this.#use(lease, resource);
      },
      denied: () => {
        this.history.settled(operation);
        next();
      },
      failed: (error) => {
        this.history.failed(operation, codeOf(error));
        next();
      },
    });
    if (!random.chance(work.cancelled)) return;
    this.#later(waitMs, () => {
      session.cancel(acquisition, new Error('changed its mind'));
    });
  }

  #spec(name: string, ttlMs: number): Parameters<Session['acquire']>[0] {
    return { name, ttlMs, manualExtension: this.random.chance(this.work.unextended), traceparent: '', tracestate: '' };
  }

  #keep(lease: HeldLease): Grant {
    const [token = 0n] = lease.tokens;
    // It lasts to the end of the validity by the client's own clock, the margin for winding down included.
    const grant = { token, remainingMs: () => lease.deadline.remainingMs(this.process) };
    if (grant.remainingMs() <= 0) {
      this.history.violated(
        'I4',
        `${this.process.name} was given a lease whose validity was over`,
        lease.claim.spec.name,
      );
    }
    this.#hearsExtensions(lease, grant);
    this.#held.set(lease, grant);
    lease.listener = (_state, error) => {
      // At its margin a lease is lost for its user, who may take the margin to wind down; at other losses, nobody may.
      if (!(error instanceof LeaseLostError) || error.how === 'deadline') return;
      if (!this.#wasTooLong(lease) && grant.remainingMs() > 0) this.#mustBeOver(lease, grant, 'lost');
      this.history.over(grant, 'lost', this.#wasTooLong(lease) ? 'released' : 'told');
    };
    return grant;
  }

  /** Whatever puts a deadline off is judged before it does. */
  #hearsExtensions({ claim, deadline }: HeldLease, grant: Grant): void {
    const raise = deadline.raise.bind(deadline);
    deadline.raise = (anchor, durationMs) => {
      this.history.extended(this.process, claim.spec.name, grant);
      raise(anchor, durationMs);
    };
  }

  /** A server that grants no leases as long as this one takes none over: the session gives it up while it stands. */
  #wasTooLong({ ttlMs }: HeldLease): boolean {
    return this.servers.some(({ core }) => core === undefined || ttlMs > core.settings.limits.maxTtlMs);
  }

  #use(lease: HeldLease, resource: string): void {
    // What it still gets after its work is over it has no use for.
    const holdMs = this.#stopped ? 0 : this.random.between(0, this.work.maxHoldMs);
    const [token = 0n] = lease.tokens;
    for (let count = 0; count < WRITES; count += 1) {
      const careless = this.random.chance(CARELESS);
      const write = { resource, token, writer: this.process.name };
      this.process.after(this.random.between(0, holdMs), () => {
        const grant = this.#held.get(lease);
        if (grant !== undefined && this.session.leases.check(lease)) this.history.reliedOn(grant);
        if (careless || lease.deadline.remainingMs(this.process) > 0) {
          this.network.carry(() => this.history.log.write(write));
        }
      });
    }
    this.process.after(holdMs, () => {
      this.#release(lease);
      this.#later(this.work.maxPauseMs, () => this.#acquireSomething());
    });
  }

  #release(lease: HeldLease): void {
    const grant = this.#held.get(lease);
    if (grant === undefined) return;
    this.#held.delete(lease);
    this.history.over(grant, 'gives back');
    void this.session.leases.release(lease).then(({ outcome }) => {
      if (outcome === 'released') this.#mustBeOver(lease, grant, outcome);
    });
  }

  /** What a server says of the end of a lease is so at the store (S6): one with too many secrets may not be known there. */
  #mustBeOver({ claim }: HeldLease, { token }: Grant, how: string): void {
    const { name } = claim.spec;
    if (claim.secrets.earlier.length + 1 >= MOST_SECRETS || !this.stands(name, token)) return;
    const what = `${this.process.name} was told that ${name} with token ${token} is ${how}, and it stands`;
    this.history.violated('S6', what, name);
  }

  #later(withinMs: number, run: () => void): void {
    this.process.after(this.random.between(0, withinMs), run);
  }
}

function codeOf(error: unknown): string {
  return error instanceof HoldfastError ? error.code : CANCELLED;
}
