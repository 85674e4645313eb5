import type { Hash } from '../../server/src/core/names.js';
import {
  type AcquireEntry,
  type HandOffEntry,
  type LockValue,
  lockValue,
} from '../../server/src/store/redlock/coordinator/redis-node.js';

/** A hash that is the same two digits all over. */
export function hashOf(digits: string): Hash {
  return digits.repeat(16) as Hash;
}

export const TTL_MS = 30_000;
let last = 0;

/** A token near the clock of this machine, greater than every one before. */
export function nextToken(offsetMs = 0): number {
  last = Math.max(last + 1, Date.now() * 1_000);
  return last + offsetMs * 1_000;
}

export function nextValue(hash = hashOf('a1')): LockValue {
  return lockValue(hash, nextToken());
}

export function bid(key: string, value: LockValue, more: Partial<AcquireEntry> = {}): AcquireEntry {
  return { key, value, expiryMs: TTL_MS, earlierHashes: [], waitingSinceUs: 0, ...more };
}

export function passing(key: string, from: readonly LockValue[], value: LockValue): HandOffEntry {
  return { key, from, value, expiryMs: TTL_MS };
}

export function tokenOf(value: string): number {
  return Number(value.slice(value.lastIndexOf(':') + 1));
}

export const ballotKey = (key: string): string => `${key}\u0000b`;
export const wantKey = (key: string): string => `${key}\u0000w`;
/** Bookkeeping of the cluster that rigs use. */
export const bookkeeping = (name: string): string => `holdfast\u0000main\u0000${name}`;
