import type { Acquisition } from './acquisition.js';
import type { Alarm } from './alarms.js';
import type { HeldLease } from './held-lease.js';
import type { SecretHistory } from './secrets.js';

/** What is asked for, the same in every attempt. */
export interface AcquireSpec {
  readonly name: string;
  /** `undefined`: the server's default. */
  readonly ttlMs: number | undefined;
  /** Heartbeats do not extend the lease. */
  readonly manualExtension: boolean;
  readonly traceparent: string;
  readonly tracestate: string;
}

/** How a lease ended that was given back. */
export type ReleaseOutcome = 'released' | 'expired' | 'unknown';

/** How a release ended. */
export interface ReleaseResult {
  /**
   * `released`: the server gave the lease back. `expired`: it had ended before. `unknown`: no answer came within its
   * validity, or the store could not say; it ends by itself.
   */
  readonly outcome: ReleaseOutcome;
}

/** How a request stands; each stage is what a resumed stream is told of it. */
export type Stage =
  /** Without an answer yet. */
  | { readonly kind: 'open'; readonly acquisition: Acquisition }
  /** A lease whose validity is not over, whatever its holder has been told. */
  | { readonly kind: 'held'; readonly lease: HeldLease }
  /** Cancelled, lost or given back: of no more use, and the server has not yet confirmed that nothing is left of it. */
  | {
      readonly kind: 'givenUp';
      /** Told once how the release ended, if somebody waits for that. */
      readonly ended: ((outcome: ReleaseOutcome) => void) | undefined;
      /** When nothing can be left of it. */
      readonly forgetAtMs: number;
    };

/** A request that has been sent, from its Acquire to the last that is heard of it. */
export interface Claim {
  /** The id of the Acquire. */
  readonly id: number;
  readonly spec: AcquireSpec;
  readonly secrets: SecretHistory;
  /** Rings for the held and given-up stages. */
  readonly alarm: Alarm;
  stage: Stage;
  /** The id of the Release sent last for it; 0 before the first. */
  releaseId: number;
}
