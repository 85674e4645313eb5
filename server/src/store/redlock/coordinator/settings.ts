import type { ClusterConfiguration } from './redis-node.js';

/** How a server takes part in a cluster of Redis nodes. Durations in milliseconds. */
export interface RedlockSettings {
  /** ρ: the rates of any two clocks differ by at most this share. */
  readonly clockRateDrift: number;
  /** δ: added to every expiry. */
  readonly clockMarginMs: number;
  /** w: a node takes tokens only so far from its own clock. */
  readonly windowMs: number;
  /** G: how long an idle name's ballot is kept. */
  readonly ballotMs: number;
  /** A: how long an admission lasts without a server that refreshes it. */
  readonly admissionMs: number;
  /** A node that has not answered for so long has not voted; a tenth of the shortest time to live of a call if that is less. */
  readonly nodeDeadlineMs: number;
  /** The longest lease this server grants, or a client that shares its keys. */
  readonly maxTtlMs: number;
  /** `holdfast:{ns}:lock:{name}`; without `{ns}` other libraries' clients share the keys. */
  readonly keyTemplate: string;
  readonly configuration: ClusterConfiguration;
}

/** Whether clients of other libraries may use the same keys: no repair then, and hand-offs are always bounded. */
export function sharesKeys(settings: Pick<RedlockSettings, 'keyTemplate'>): boolean {
  return !settings.keyTemplate.includes('{ns}');
}

/**
 * How long a node that may have lost its memory must not vote: longer than every lease that was alive, and longer than the
 * window on either side, by any of the clocks involved.
 */
export function quarantineMs(settings: RedlockSettings, greatestTtlMs: number): number {
  const longest = Math.max(greatestTtlMs, settings.maxTtlMs, 2 * settings.windowMs);
  return longest * (1 + 2 * settings.clockRateDrift) + 1_000;
}
