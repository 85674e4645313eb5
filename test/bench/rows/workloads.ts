import type { MeasuredJob, Window } from '../generator/job.js';

/** How many requests are under way at a time, in one row each. */
export const MOST_IN_FLIGHT = 256;
export const IN_FLIGHT = [1, 64, MOST_IN_FLIGHT] as const;
export const HAND_OFF_CLIENTS = 32;
/** Leases whose extensions are asked for one by one, all under way at the same time. */
const EXTENDED_LEASES = 256;

export const PAIRS = 'lock+unlock pairs/s';
export const HAND_OFFS = 'hand-offs/s';
export const EXTENSIONS = 'leases extended/s';

export function acquireRelease(inFlight: number): (window: Window) => MeasuredJob {
  return (window) => ({ kind: 'acquire-release', inFlight, window });
}

export function handOff(window: Window): MeasuredJob {
  return { kind: 'hand-off', clients: HAND_OFF_CLIENTS, window };
}

export function extend(window: Window): MeasuredJob {
  return { kind: 'extend', leases: EXTENDED_LEASES, window };
}
