import type { Validity } from './frames.js';
import { invariant } from './invariant.js';
import type { CoreSettings } from './session-api.js';

/** The newest frame of a stream that had been received at some moment. */
export interface Anchor {
  readonly frameId: number;
  readonly receivedAtMs: number;
}

/** Three deadlines of one grant or extension, each no later than the next (S3), all on the server's monotonic clock. */
export interface Deadlines {
  /** What the client is told, no earlier than what its own clock makes of it. */
  readonly toldMs: number;
  /** When the server gives the lease up. */
  readonly serverMs: number;
  /** When the store's record has certainly expired. */
  readonly storeMs: number;
}

/** What a client is told, and the deadlines that go with it. */
export interface Told {
  readonly validity: Validity;
  readonly deadlines: Deadlines;
}

/**
 * The deadlines of a lease granted or extended by a store call made at `calledAtMs` (t0).
 *
 *     server's deadline = t0 + TTL
 *     store's expiry   >= t0 + TTL·(1+ρ) + δ
 *     told duration     = (server's deadline − received(anchor))·(1−ρ) − δ, from the sending of the anchor
 *
 * The client counts from the *sending* of the anchor, which was before it was received; its clock and ours run apart by
 * at most ρ; so its deadline is never later than the server's, and the server's never later than the store's.
 */
export function anchoredValidity(settings: CoreSettings, anchor: Anchor, calledAtMs: number, ttlMs: number): Told {
  invariant(anchor.receivedAtMs <= calledAtMs, 'S3', 'an anchor was received after the store was called');
  const serverMs = calledAtMs + ttlMs;
  const exactMs = (serverMs - anchor.receivedAtMs) * (1 - settings.clockRateDrift) - settings.clockMarginMs;
  const durationMs = Math.max(0, Math.floor(exactMs));
  const toldMs = anchor.receivedAtMs + durationMs;
  const storeMs = storeExpiry(settings, calledAtMs, ttlMs);
  invariant(
    durationMs === 0 || toldMs <= serverMs,
    'S3',
    () => `told deadline ${toldMs} after the server's ${serverMs}`,
  );
  invariant(serverMs <= storeMs, 'S3', () => `server's deadline ${serverMs} after the store's ${storeMs}`);
  return { validity: { anchor: anchor.frameId, durationMs }, deadlines: { toldMs, serverMs, storeMs } };
}

/** The least moment at which a record written by a call made at `calledAtMs` may have expired in the store. */
export function storeExpiry(settings: CoreSettings, calledAtMs: number, ttlMs: number): number {
  return calledAtMs + ttlMs * (1 + settings.clockRateDrift) + settings.clockMarginMs;
}

/** The least validity worth delivering. */
export function minimumValidity(settings: CoreSettings, ttlMs: number): number {
  return Math.max(ttlMs * settings.minValidityShare, settings.minValidityMs);
}
