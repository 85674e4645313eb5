import type { ClientState } from '@holdfast/client';
import type { WriteAnswer } from './resource-protocol.js';

/** What a worker is told. */
export type WorkerOrder =
  | { readonly kind: 'acquire'; readonly ttlMs: number }
  /** Waits until the lease has been extended. */
  | { readonly kind: 'watch' }
  | { readonly kind: 'look' }
  /** Writes the way one should: `assertHeld` first. */
  | { readonly kind: 'write'; readonly text: string }
  /** Writes with the token it remembers, without asking whether it still holds. Then asks. */
  | { readonly kind: 'writeBlindly'; readonly text: string }
  | { readonly kind: 'release' };

/** What a worker says. Times are milliseconds of the machine's monotonic clock, the same for all its processes. */
export type WorkerEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'state'; readonly state: ClientState }
  | { readonly kind: 'granted'; readonly token: string; readonly leaseId: string; readonly atMs: number }
  | { readonly kind: 'extended'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'view'; readonly state: string; readonly token: string; readonly leaseId: string }
  | ({ readonly kind: 'wrote' } & WriteAnswer)
  /** `assertHeld`: the name of the error it throws now, or nothing. */
  | ({ readonly kind: 'wroteBlindly'; readonly assertHeld: string | undefined } & WriteAnswer)
  | { readonly kind: 'released'; readonly outcome: string }
  | { readonly kind: 'failed'; readonly order: string; readonly message: string };

/** Milliseconds of the clock in events. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
