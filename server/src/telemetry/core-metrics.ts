import type { AcquireOutcome, CoreSizes, LeaseEnd, StoreVerb } from '../core/ports.js';
import { CounterFamily, HistogramFamily } from './instruments.js';
import type { Reading } from './metric-table.js';

const OUTCOMES: readonly AcquireOutcome[] = ['granted', 'held', 'wait_expired', 'cancelled', 'failed'];
const ENDS: readonly LeaseEnd[] = ['released', 'expired', 'displaced', 'closed'];
const VERBS: readonly StoreVerb[] = ['acquire', 'extend', 'hand_off', 'adopt', 'release'];
const RESUMES = ['adopted', 'lost', 'unknown'] as const;

/** From an uncontended grant (a disk commit) to a long wait. Seconds. */
const WAIT_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** From a short critical section to a leader's term. Seconds. */
const HOLD_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600, 14_400, 86_400];
/** 0 is a lease that ran out. Seconds. */
const MARGIN_BOUNDS = [0, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 300];
const CALL_BOUNDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const BATCH_BOUNDS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/** What the core did, in numbers. */
export class CoreMetrics {
  readonly #acquires = new CounterFamily('holdfast_acquires_total', 'outcome', OUTCOMES);
  readonly #waits = new HistogramFamily('holdfast_acquire_wait_seconds', 'outcome', WAIT_BOUNDS, OUTCOMES);
  readonly #ends = new CounterFamily('holdfast_leases_ended_total', 'end', ENDS);
  readonly #holds = new HistogramFamily('holdfast_lease_hold_seconds', 'end', HOLD_BOUNDS, ENDS);
  readonly #margins = new HistogramFamily('holdfast_lease_end_margin_seconds', 'end', MARGIN_BOUNDS, ENDS);
  readonly #resumes = new CounterFamily('holdfast_resumes_total', 'outcome', RESUMES);
  readonly #failures = new CounterFamily('holdfast_failures_total', 'reason');
  readonly #calls = new HistogramFamily('holdfast_store_call_seconds', 'verb', CALL_BOUNDS, VERBS);
  readonly #batches = new HistogramFamily('holdfast_store_batch_entries', 'verb', BATCH_BOUNDS, VERBS);
  readonly #commits = new HistogramFamily('holdfast_store_commit_seconds', 'store', CALL_BOUNDS);
  readonly #commitGrants = new HistogramFamily('holdfast_store_commit_grants', 'store', BATCH_BOUNDS);
  #extensions = 0;
  #storeAvailable = true;

  acquireEnded(outcome: AcquireOutcome, waitedMs: number): void {
    this.#acquires.add(outcome);
    this.#waits.record(outcome, waitedMs / 1_000);
  }

  leaseEnded(end: LeaseEnd, heldMs: number, marginMs: number): void {
    this.#ends.add(end);
    this.#holds.record(end, heldMs / 1_000);
    this.#margins.record(end, marginMs / 1_000);
  }

  extended(leases: number): void {
    this.#extensions += leases;
  }

  resumed(outcome: 'adopted' | 'lost' | 'unknown'): void {
    this.#resumes.add(outcome);
  }

  storeCalled(verb: StoreVerb, entries: number, tookMs: number): void {
    this.#calls.record(verb, tookMs / 1_000);
    this.#batches.record(verb, entries);
  }

  /** A store wrote to disk. */
  committed(store: string, grants: number, tookMs: number): void {
    this.#commits.record(store, tookMs / 1_000);
    this.#commitGrants.record(store, grants);
  }

  storeIsAvailable(available: boolean): void {
    this.#storeAvailable = available;
  }

  failed(reason: string): void {
    this.#failures.add(reason);
  }

  readings(): readonly Reading[] {
    return [
      ...this.#acquires.readings(),
      ...this.#waits.readings(),
      ...this.#ends.readings(),
      ...this.#holds.readings(),
      ...this.#margins.readings(),
      { metric: 'holdfast_extensions_total', labels: {}, value: this.#extensions },
      ...this.#resumes.readings(),
      ...this.#failures.readings(),
      ...this.#calls.readings(),
      ...this.#batches.readings(),
      ...this.#commits.readings(),
      ...this.#commitGrants.readings(),
      { metric: 'holdfast_store_available', labels: {}, value: this.#storeAvailable ? 1 : 0 },
    ];
  }
}

/** The sizes of the core's tables. */
export function sizeReadings(sizes: CoreSizes, openStreams: number): readonly Reading[] {
  return [
    { metric: 'holdfast_sessions', labels: { state: 'attached' }, value: sizes.sessionsAttached },
    { metric: 'holdfast_sessions', labels: { state: 'detached' }, value: sizes.sessionsDetached },
    { metric: 'holdfast_streams', labels: {}, value: openStreams },
    { metric: 'holdfast_leases', labels: {}, value: sizes.leases },
    { metric: 'holdfast_waiters', labels: {}, value: sizes.waiters },
    { metric: 'holdfast_resources', labels: {}, value: sizes.resources },
    { metric: 'holdfast_timers', labels: {}, value: sizes.timers },
  ];
}
