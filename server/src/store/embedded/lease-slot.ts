import type { Hash } from '../../core/names.js';
import type { AdoptBid, Grantee, HandOffAnswer, ReleaseBid, StoredHolder } from '../../core/ports.js';
import type { DurableResource, LeaseRecord } from './commit-log.js';
import { AT_ONCE, type Step } from './step.js';

/** A nomination: its token is assigned, and it grants nothing until the holder hands off to it. */
export interface PlannedLease {
  readonly record: LeaseRecord;
  /** The commit after which the disk knows of it. */
  readonly durableAfter: number;
}

/** What hardly any resource has, shared by all those that have not. */
export const NOBODY: readonly PlannedLease[] = [];
export const NO_RECORDS: readonly LeaseRecord[] = [];

/** A resource whose holder is known: granted by this process, or proved by adoption since it started. */
export interface HeldSlot {
  readonly kind: 'held';
  readonly holder: LeaseRecord;
  /** Monotonic. */
  readonly expiresAtMs: number;
  /** The commit after which a restart finds the holder as it is now. */
  readonly durableAfter: number;
  /** Who may be handed the resource next; tokens rise, all above the holder's. */
  readonly plan: readonly PlannedLease[];
  /** Candidates of the last restart with a greater token than the one that proved itself. */
  readonly later: readonly LeaseRecord[];
}

/** After a restart: hand-offs are written lazily, so any of these may have been the last holder. */
export interface RecoveredSlot {
  readonly kind: 'recovered';
  /** The durable holder first, then the planned; tokens rise. Never empty. */
  readonly candidates: readonly LeaseRecord[];
  /** Monotonic. */
  readonly expiresAtMs: number;
}

export type Slot = HeldSlot | RecoveredSlot;

/** The greatest token that any lease of the slot may have been granted. */
export function greatestGranted(slot: Slot): bigint {
  const granted = slot.kind === 'held' ? [slot.holder] : slot.candidates;
  return granted.reduce((greatest, { token }) => (token > greatest ? token : greatest), 0n);
}

/**
 * The slot once the holder of the candidate with `token` has proved itself. Candidates with a lesser token are out: theirs
 * were released before it was granted.
 */
export function settle(slot: RecoveredSlot, holder: LeaseRecord): HeldSlot {
  const later = slot.candidates.filter(({ token }) => token > holder.token);
  return { kind: 'held', holder, expiresAtMs: slot.expiresAtMs, durableAfter: AT_ONCE, plan: [], later };
}

/** A resource as a restart finds it: blocked for the greatest time to live any candidate was told. */
export function recovered({ holder, planned }: DurableResource, expiry: (ttlMs: number) => number): Slot {
  const candidates = [holder, ...planned];
  const expiresAtMs = expiry(Math.max(...candidates.map(({ coverMs }) => coverMs)));
  if (planned.length > 0) return { kind: 'recovered', candidates, expiresAtMs };
  return { kind: 'held', holder, expiresAtMs, durableAfter: AT_ONCE, plan: [], later: [] };
}

/** The slot with the holder that an adoption proves, or `undefined` when it proves none. */
export function adoptable(slot: Slot, bid: AdoptBid): HeldSlot | undefined {
  const shows = ({ hash, token }: LeaseRecord): boolean =>
    (bid.presented.includes(hash) || hash === bid.grantee.hash) && bid.token === token;
  if (slot.kind === 'held' && shows(slot.holder)) return slot;
  const candidates = slot.kind === 'held' ? slot.later : slot.candidates;
  const candidate = candidates.find(shows);
  if (candidate === undefined) return undefined;
  if (slot.kind === 'recovered') return settle(slot, candidate);
  return { ...slot, holder: candidate, later: slot.later.filter(({ token }) => token > candidate.token) };
}

export function recordOf(grantee: Grantee, token: bigint, grantedAtWallMs: number): LeaseRecord {
  const { hash, leaseId, sessionId, clientName, ttlMs } = grantee;
  return { hash, leaseId, sessionId, clientName, ttlMs, token, grantedAtWallMs, coverMs: ttlMs };
}

/** What the disk is to know of a slot. */
export function durableOf({ holder, later, plan }: HeldSlot): DurableResource {
  const alone = later.length + plan.length === 0;
  return { holder, planned: alone ? NO_RECORDS : [...later, ...plan.map(({ record }) => record)] };
}

export function proves(record: LeaseRecord, claim: { readonly hash: Hash; readonly token: bigint }): boolean {
  return record.hash === claim.hash && record.token === claim.token;
}

/** Whether a release means the record: by secret, and by token unless its client knows of none. */
export function releases(bid: ReleaseBid, record: LeaseRecord): boolean {
  return bid.hashes.includes(record.hash) && (bid.token ?? record.token) === record.token;
}

/** What a hand-off that made this slot answers. No other server can want it. */
export function handedOff({ holder, durableAfter }: HeldSlot, previous: 'released' | 'gone'): Step<HandOffAnswer> {
  return { answer: { kind: 'granted', token: holder.token, previous, wanted: false }, durableAfter };
}

/** Whether the record is of this very lease, under this very secret. */
export function isOf(record: LeaseRecord, grantee: Grantee): boolean {
  return record.hash === grantee.hash && record.leaseId === grantee.leaseId;
}

/** Whether the record has anything to do with the grantee, be it under an older secret. */
export function concerns(record: LeaseRecord, grantee: Grantee): boolean {
  return record.hash === grantee.hash || record.leaseId === grantee.leaseId;
}

export function isFor(record: LeaseRecord, grantee: Grantee): boolean {
  return (
    record.hash === grantee.hash &&
    record.leaseId === grantee.leaseId &&
    record.sessionId === grantee.sessionId &&
    record.clientName === grantee.clientName &&
    record.ttlMs === grantee.ttlMs
  );
}

export function describe(holder: LeaseRecord, wallMs: number): StoredHolder {
  const heldMs = Math.max(0, wallMs - holder.grantedAtWallMs);
  return { leaseId: holder.leaseId, clientName: holder.clientName, heldMs };
}
