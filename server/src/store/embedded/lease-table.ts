import { CellMap } from '../../core/cell-map.js';
import { invariant } from '../../core/invariant.js';
import type { Hash, ResourceKey } from '../../core/names.js';
import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Clock,
  ExtendAnswer,
  ExtendBid,
  Grantee,
  HandOffAnswer,
  HandOffBid,
  Nomination,
  ReleaseAnswer,
  ReleaseBid,
  StoredLease,
} from '../../core/ports.js';
import type { DurableResource, LogContents } from './commit-log.js';
import type { ExpiryRule } from './expiry-rule.js';
import type { Drained } from './group-commit.js';
import {
  adoptable,
  concerns,
  describe,
  durableOf,
  greatestGranted,
  type HeldSlot,
  handedOff,
  isFor,
  isOf,
  NO_RECORDS,
  NOBODY,
  type PlannedLease,
  proves,
  type RecoveredSlot,
  recordOf,
  recovered,
  releases,
  type Slot,
  settle,
} from './lease-slot.js';
import { RoundTrip } from './round-trip.js';
import { atOnce, type Step } from './step.js';
import { TokenSource } from './token-source.js';

/** Nominations and leftovers of a restart kept for one resource. */
export const MAX_PLANNED = 64;

/** Slots looked at for expiry by each commit, over and above those it writes. */
const SWEPT_PER_COMMIT = 64;

/**
 * The embedded store's rules over its table in memory, which is the truth; the log only has to keep enough of it to be
 * safe after a crash. No I/O: a verb changes the table at once and names the commit after which its answer may be told.
 *
 * After a restart every lease has one full time to live, and a resource with a plan has several candidates for the last
 * holder. That is safe (docs/adr/0032 has the argument) because a token is known only to those it was told to, whoever hands
 * off has released, and a grant that follows an expiry removes every earlier candidate before it is told.
 */
export class LeaseTable {
  readonly #slots = new CellMap<ResourceKey, Slot>();
  readonly #changed = new Set<ResourceKey>();
  readonly #tokens: TokenSource;
  readonly #round = new RoundTrip(this.#slots);
  #grants = 0;

  constructor(
    private readonly clock: Pick<Clock, 'nowMs' | 'wallMs'>,
    private readonly rule: ExpiryRule,
    contents: LogContents,
  ) {
    this.#tokens = new TokenSource(clock, contents.lastToken);
    for (const { resource, state } of contents.resources)
      this.#slots.set(
        resource,
        recovered(state, (ttlMs) => this.#expiry(ttlMs)),
      );
  }

  acquire(bid: AcquireBid, commit: number): Step<AcquireAnswer> {
    const slot = this.#slots.get(bid.resource);
    if (slot === undefined || this.#isExpired(slot)) {
      const { holder, durableAfter } = this.#grant(bid.resource, slot, bid.grantee, commit);
      return { answer: { kind: 'granted', token: holder.token }, durableAfter };
    }
    if (slot.kind === 'held') {
      const { holder, durableAfter } = slot;
      // A quorum must not count the current secret's own leftovers, because a late abort could still delete them. Here
      // is no quorum and nothing arrives late: the same hash is this very bid again, and `mine` makes acquire repeatable.
      if (holder.hash === bid.grantee.hash || bid.earlierHashes.includes(holder.hash)) {
        return { answer: { kind: 'mine', hash: holder.hash, token: holder.token }, durableAfter };
      }
    }
    // Not even to a candidate of a recovered slot: another one may be the last holder. Only a token proves a grant.
    const holder = slot.kind === 'held' ? describe(slot.holder, this.clock.wallMs()) : undefined;
    return atOnce({ kind: 'held', holder, retryAfterMs: slot.expiresAtMs - this.clock.nowMs() });
  }

  extend(bid: ExtendBid, commit: number): Step<ExtendAnswer> {
    const slot = this.#provenBy(bid.resource, bid);
    if (slot === undefined || this.#isExpired(slot)) return atOnce('lost');
    const covered = bid.ttlMs <= slot.holder.coverMs;
    const renewed: HeldSlot = {
      ...slot,
      expiresAtMs: this.#raised(slot, bid.ttlMs),
      // A longer time to live than the disk knows of would end too early after a restart.
      ...(covered ? {} : { holder: { ...slot.holder, coverMs: bid.ttlMs }, durableAfter: commit }),
    };
    this.#slots.set(bid.resource, renewed);
    if (!covered) this.#changed.add(bid.resource);
    return { answer: 'renewed', durableAfter: renewed.durableAfter };
  }

  adopt(bid: AdoptBid, commit: number): Step<AdoptAnswer> {
    const found = this.#slots.get(bid.resource);
    if (found === undefined || this.#isExpired(found)) return atOnce({ kind: 'lost' });
    const slot = adoptable(found, bid);
    if (slot === undefined) return atOnce({ kind: 'lost' });
    const { token, grantedAtWallMs, coverMs } = slot.holder;
    const record = recordOf(bid.grantee, token, grantedAtWallMs);
    this.#write(bid.resource, {
      ...slot,
      holder: { ...record, coverMs: Math.max(coverMs, record.coverMs) },
      expiresAtMs: this.#raised(slot, bid.grantee.ttlMs),
      durableAfter: commit,
    });
    this.#grants += 1;
    return { answer: { kind: 'adopted', token }, durableAfter: commit };
  }

  handOff(bid: HandOffBid, commit: number): Step<HandOffAnswer> {
    const found = this.#slots.get(bid.resource);
    if (found?.kind === 'held' && isOf(found.holder, bid.to) && !this.#isExpired(found)) {
      return handedOff(found, 'released');
    }
    const slot = this.#provenBy(bid.resource, bid.from);
    if (slot === undefined) return atOnce({ kind: 'lost' });
    const at = slot.plan.findIndex(({ record }) => isFor(record, bid.to));
    const planned = slot.plan[at];
    const previous = this.#isExpired(slot) ? 'gone' : 'released';
    if (planned === undefined) return handedOff(this.#grant(bid.resource, slot, bid.to, commit), previous);
    return handedOff(this.#advance(bid.resource, slot, planned, slot.plan.slice(at + 1)), previous);
  }

  release(bid: ReleaseBid): ReleaseAnswer {
    const slot = this.#slots.get(bid.resource);
    if (slot === undefined) return 'gone';
    if (slot.kind === 'recovered') return this.#renounce(bid, slot);
    if (!releases(bid, slot.holder)) return 'gone';
    const answer = this.#isExpired(slot) ? 'gone' : 'released';
    this.#remove(bid.resource);
    return answer;
  }

  /** True when there is now something to write ahead. */
  nominate({ resource, to }: Nomination, commit: number): boolean {
    const slot = this.#slots.get(resource);
    if (slot?.kind !== 'held' || slot.holder.hash === to.hash) return false;
    if (slot.plan.some(({ record }) => isFor(record, to))) return false;
    const others = slot.plan.filter(({ record }) => !concerns(record, to));
    if (others.length + slot.later.length >= MAX_PLANNED) return false;
    this.#write(resource, { ...slot, plan: [...others, this.#planned(to, commit)] });
    return true;
  }

  /** True when there is now something to write: after a crash nobody has to wait for a candidate that was none. */
  withdraw({ resource, to }: Nomination): boolean {
    const slot = this.#slots.get(resource);
    if (slot?.kind !== 'held') return false;
    const plan = slot.plan.filter(({ record }) => record.leaseId !== to.leaseId);
    if (plan.length === slot.plan.length) return false;
    this.#write(resource, { ...slot, plan });
    return true;
  }

  *storedLeases(): Generator<StoredLease> {
    const nowMs = this.clock.nowMs();
    for (const [resource, slot] of this.#slots.entries()) {
      const holder = slot.kind === 'held' ? slot.holder : slot.candidates[0];
      if (holder === undefined || slot.expiresAtMs <= nowMs) continue;
      const { coverMs: _, ...lease } = holder;
      yield { ...lease, resource, remainingMs: slot.expiresAtMs - nowMs };
    }
  }

  /** Takes what has changed since the last call, as one transaction. */
  drain(): Drained | undefined {
    this.#sweepExpired(SWEPT_PER_COMMIT + this.#changed.size);
    if (this.#changed.size === 0) return undefined;
    const changes = Array.from(this.#changed, (resource) => ({ resource, state: this.#durable(resource) }));
    const grants = this.#grants;
    this.#changed.clear();
    this.#grants = 0;
    return { batch: { lastToken: this.#tokens.last, changes }, grants };
  }

  /** A new grant with a new token. What was planned behind it gets new tokens, too: none below a granted one is used. */
  #grant(resource: ResourceKey, slot: Slot | undefined, to: Grantee, commit: number): HeldSlot {
    const token = this.#tokens.next();
    const waiting = slot?.kind === 'held' ? slot.plan.filter(({ record }) => !concerns(record, to)) : NOBODY;
    return this.#become(resource, slot, {
      kind: 'held',
      holder: recordOf(to, token, this.clock.wallMs()),
      expiresAtMs: this.#expiry(to.ttlMs),
      durableAfter: commit,
      plan: waiting.map(({ record }) => this.#planned(record, commit)),
      later: NO_RECORDS,
    });
  }

  /**
   * A hand-off that the disk foresaw: nothing to wait for but the nomination's own commit, which is usually long done.
   * Who was skipped loses the place, for the token is now too low.
   */
  #advance(resource: ResourceKey, slot: HeldSlot, to: PlannedLease, plan: readonly PlannedLease[]): HeldSlot {
    return this.#become(resource, slot, {
      kind: 'held',
      holder: { ...to.record, grantedAtWallMs: this.clock.wallMs() },
      expiresAtMs: this.#expiry(to.record.ttlMs),
      durableAfter: to.durableAfter,
      plan,
      later: NO_RECORDS,
    });
  }

  #become(resource: ResourceKey, before: Slot | undefined, after: HeldSlot): HeldSlot {
    const { token } = after.holder;
    if (before !== undefined) invariant(token > greatestGranted(before), 'S2', () => `token ${token} does not rise`);
    this.#write(resource, after);
    this.#grants += 1;
    return after;
  }

  /** The slot as it is once whoever shows this hash and token has proved to be its holder. */
  #provenBy(resource: ResourceKey, claim: { readonly hash: Hash; readonly token: bigint }): HeldSlot | undefined {
    const slot = this.#slots.get(resource);
    if (slot === undefined) return undefined;
    if (slot.kind === 'held') return proves(slot.holder, claim) ? slot : undefined;
    const candidate = slot.candidates.find((record) => proves(record, claim));
    return candidate === undefined ? undefined : settle(slot, candidate);
  }

  /**
   * Its client says of a candidate that it holds nothing. When all have said so, the resource is free; when all but one
   * have, nobody else can be the last holder.
   */
  #renounce(bid: ReleaseBid, slot: RecoveredSlot): ReleaseAnswer {
    const candidates = slot.candidates.filter((record) => !releases(bid, record));
    if (candidates.length === slot.candidates.length) return 'gone';
    const [first, second] = candidates;
    const left = { ...slot, candidates };
    if (first === undefined) this.#remove(bid.resource);
    else this.#slots.set(bid.resource, second === undefined ? settle(left, first) : left);
    return this.#isExpired(slot) ? 'gone' : 'released';
  }

  #durable(resource: ResourceKey): DurableResource | undefined {
    const slot = this.#slots.get(resource);
    if (slot === undefined) return undefined;
    invariant(slot.kind === 'held', 'S1', 'a slot with several candidates is not written before one has proved itself');
    return durableOf(slot);
  }

  #planned(to: Grantee, commit: number): PlannedLease {
    return { record: recordOf(to, this.#tokens.next(), this.clock.wallMs()), durableAfter: commit };
  }

  #write(resource: ResourceKey, slot: HeldSlot): void {
    this.#slots.set(resource, slot);
    this.#changed.add(resource);
  }

  #remove(resource: ResourceKey): void {
    this.#slots.delete(resource);
    this.#changed.add(resource);
  }

  /** So that leases nobody came back for do not stay. */
  #sweepExpired(steps: number): void {
    const nowMs = this.clock.nowMs();
    this.#round.visit(steps, (slot, resource) => {
      if (nowMs >= slot.expiresAtMs) this.#remove(resource);
    });
  }

  #isExpired(slot: Slot): boolean {
    return this.clock.nowMs() >= slot.expiresAtMs;
  }

  #expiry(ttlMs: number): number {
    return this.clock.nowMs() + ttlMs * (1 + this.rule.clockRateDrift) + this.rule.clockMarginMs;
  }

  #raised(slot: Slot, ttlMs: number): number {
    return Math.max(slot.expiresAtMs, this.#expiry(ttlMs));
  }
}
