import type { LockValue, NodeToken } from '../../coordinator/redis-node.js';
import { type Details, entryFault } from './details.js';

/** Most votes are one of these, the same object each time. */
export const OK = Object.freeze({ kind: 'ok' } as const);
export const AHEAD = Object.freeze({ kind: 'ahead' } as const);
export const BEHIND = Object.freeze({ kind: 'behind' } as const);
export const LOST = Object.freeze({ kind: 'lost' } as const);
export const REFUSED = Object.freeze({ kind: 'refused' } as const);

export interface Low {
  readonly kind: 'low';
  readonly ballot: NodeToken;
}

/** What no script has written there is further ahead than any token, so that it is one entry's trouble and no other's. */
export function low(details: Details): Low {
  const ballot = Number(details.text());
  return { kind: 'low', ballot: Number.isSafeInteger(ballot) ? ballot : Number.MAX_SAFE_INTEGER };
}

/** Votes of the scripts that can only do their work or refuse. */
export function okOrRefused(letter: string, details: Details) {
  if (letter === 'o') return OK;
  return letter === 'n' ? REFUSED : entryFault(letter, details);
}

/** Votes of the scripts that raise an expiry. */
export function extendVote(letter: string, details: Details) {
  switch (letter) {
    case 'o':
      return OK;
    case 'x':
      return { kind: 'missing', ballot: details.numberIfAny() } as const;
    case 'l':
      return LOST;
    default:
      return entryFault(letter, details);
  }
}

/** The digits of a value's token. */
export function tokenDigits(value: LockValue): string {
  return value.slice(value.lastIndexOf(':') + 1);
}

/** An expiry as Redis wants it: whole milliseconds, never fewer than were asked for. */
export function wholeMs(expiryMs: number): string {
  return String(Math.ceil(expiryMs));
}
