import { LeaseLostError, type LossCause } from '../errors.js';
import type { Claim, ReleaseResult } from './claim.js';
import type { Deadline } from './deadline.js';

/**
 * How a lease stands for its holder: `held`; `atRisk` = still held, but an extension is overdue or less than a third of
 * its time is left; `lost` = it must not be relied on any more; `released` = given back. The last two are final.
 */
export type LeaseState = 'held' | 'atRisk' | 'lost' | 'released';

/** Told of every change; the error comes with an end the holder did not ask for. */
export type LeaseListener = (state: LeaseState, error: LeaseLostError | undefined) => void;

/** Someone who waits for an explicit extension. */
export interface PendingExtension {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** A lease as the session knows it. Everything it can do is in `Leases`. */
export class HeldLease {
  state: LeaseState = 'held';
  /** How it ended; `undefined` while it has not. */
  how: LossCause | undefined;
  listener: LeaseListener | undefined;
  /** Set by the first release. */
  release: Promise<ReleaseResult> | undefined;
  /** Those who wait for the answer to an Extend. */
  extensions: readonly PendingExtension[] = NOBODY;
  #error: LeaseLostError | undefined;

  constructor(
    readonly claim: Claim,
    readonly leaseId: string,
    readonly tokens: readonly bigint[],
    readonly ttlMs: number,
    /** How long before the end of its validity it counts as lost. */
    readonly marginMs: number,
    readonly deadline: Deadline,
  ) {}

  get isLive(): boolean {
    return this.state === 'held' || this.state === 'atRisk';
  }

  /** The error that says how it ended; `undefined` while it has not. Made when asked for: most leases end well. */
  get error(): LeaseLostError | undefined {
    if (this.how !== undefined) this.#error ??= lossError(this, this.how);
    return this.#error;
  }
}

const NOBODY: readonly PendingExtension[] = [];

function lossError({ claim, leaseId }: HeldLease, how: LossCause): LeaseLostError {
  const { name } = claim.spec;
  return new LeaseLostError(`the lease on ${JSON.stringify(name)} ${HOW[how]}`, name, leaseId, how);
}

const HOW: Readonly<Record<LossCause, string>> = {
  deadline: 'was not extended in time: its validity is over or about to be',
  expired: 'has expired, the server says',
  displaced: 'has been displaced: the store holds another one',
  released: 'has been given back',
  closed: 'ended with its client, which was closed',
};
