import type { Holder } from '@holdfast/protocol';
import type { Alarm } from './alarms.js';
import type { AcquireSpec, Claim } from './claim.js';
import type { HeldLease } from './held-lease.js';
import type { SecretHistory } from './secrets.js';

/** What was last heard of a request that waits. */
export interface QueueView {
  readonly holder: Holder | undefined;
  /** From 1; 0 when it is not known. */
  readonly position: number;
  /** When it was heard, by the monotonic clock. */
  readonly heardAtMs: number;
}

/** Told once how an acquire ended. */
export interface AcquireSink {
  granted(lease: HeldLease): void;
  /** Somebody else holds it, to the end of the wait. */
  denied(view: QueueView): void;
  failed(error: unknown): void;
}

/** One call of acquire, over however many requests it takes: repeated after passing failures, resumed after breaks. */
export interface Acquisition {
  /** Counts the calls of the session. */
  readonly number: number;
  readonly spec: AcquireSpec;
  /** 0: it is answered at once, or not at all. */
  readonly waitMs: number;
  /** When its caller's patience ends. */
  readonly waitEndsMs: number;
  /** When it is settled here whatever the server says. */
  readonly settlesMs: number;
  readonly sink: AcquireSink;
  readonly alarm: Alarm;
  /** Its request, when one has been sent and not been refused. */
  claim: Claim | undefined;
  /** Secrets used so far that a store may still hold for it. */
  secrets: SecretHistory | undefined;
  view: QueueView;
  /** When to send the next request, if the last was refused. */
  sendAtMs: number;
  refusals: number;
  /** The last passing failure. */
  lastError: Error | undefined;
}
