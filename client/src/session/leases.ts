import type { Granted } from '@holdfast/protocol';
import { type LossCause, UnavailableError } from '../errors.js';
import type { Claim, ReleaseResult } from './claim.js';
import type { SessionContext } from './context.js';
import { Deadline } from './deadline.js';
import type { Endings } from './endings.js';
import { HeldLease, type LeaseState, type PendingExtension } from './held-lease.js';
import type { SentAt } from './send-times.js';

const MARGIN_SHARE = 0.05;
const MAX_MARGIN_MS = 500;
/** Below this share of its TTL a lease is at risk, however young its last extension. */
const RISK_SHARE = 1 / 3;
/** Differences of clock readings are rounded by less than this: a threshold this close has been reached. */
const ROUNDING_MS = 0.001;
/** Wall clocks are set by this much without anything having happened. */
const WALL_TOLERANCE_MS = 1;

/** The leases of a session: how long they hold, and how they end. */
export class Leases {
  #wallLeadMs: number;

  constructor(
    private readonly ctx: SessionContext,
    private readonly endings: Endings,
  ) {
    this.#wallLeadMs = ctx.clock.wallMs() - ctx.clock.nowMs();
  }

  /** Takes a grant. `undefined`: too little was left of it when it arrived, and it is given back. */
  begin(claim: Claim, granted: Granted): HeldLease | undefined {
    const { clock, held, outbox, options } = this.ctx;
    const deadline = this.#deadline(granted);
    const marginMs = abortMarginMs(granted.ttlMs, options.abortMarginMs);
    const leftMs = deadline === undefined ? 0 : deadline.remainingMs(clock);
    if (deadline === undefined || leftMs <= marginMs + ROUNDING_MS) {
      this.endings.release(claim, granted.ttlMs);
      return undefined;
    }
    const lease = new HeldLease(claim, granted.leaseId, granted.tokens, granted.ttlMs, marginMs, deadline);
    claim.stage = { kind: 'held', lease };
    held.add(claim.id, granted.leaseId, outbox.lastId);
    lease.state = this.#liveState(lease, leftMs);
    this.#schedule(lease, leftMs);
    return lease;
  }

  /** A server tells a later deadline. What is lost stays lost, even if the news was only late in being read. */
  raise(lease: HeldLease, anchorId: number, durationMs: number): void {
    const anchor = this.ctx.sendTimes.find(anchorId);
    if (anchor === undefined || !this.check(lease)) return;
    lease.deadline.raise(anchor, durationMs);
    const leftMs = lease.deadline.remainingMs(this.ctx.clock);
    const state = this.#liveState(lease, leftMs);
    const changed = state !== lease.state;
    lease.state = state;
    if (changed) {
      this.#schedule(lease, leftMs);
      lease.listener?.(state, undefined);
    }
  }

  /** Whether the lease may be relied on, by the clocks and not by whether a timer came round to saying so. */
  check(lease: HeldLease): boolean {
    return this.#leftMs(lease) > 0;
  }

  /** How long the lease may still be relied on, 0 when it may not. */
  remainingMs(lease: HeldLease): number {
    const leftMs = this.#leftMs(lease);
    return leftMs > 0 ? leftMs - lease.marginMs : 0;
  }

  /** Whether a lease of this very session has the id. */
  isOwn(leaseId: string): boolean {
    for (const { stage } of this.ctx.claims.values()) {
      if (stage.kind === 'held' && stage.lease.leaseId === leaseId) return true;
    }
    return false;
  }

  /** A held claim's alarm rang. */
  due(lease: HeldLease): void {
    if (!lease.isLive) {
      this.#lapse(lease);
      return;
    }
    const leftMs = this.#leftMs(lease);
    if (leftMs === 0) return;
    const state = this.#liveState(lease, leftMs);
    const changed = state !== lease.state;
    lease.state = state;
    this.#schedule(lease, leftMs);
    if (changed) lease.listener?.(state, undefined);
  }

  /** Looks whether the wall clock ran ahead, as it does while the machine is suspended, and what that ended. */
  watchWallClock(): void {
    const { clock, claims } = this.ctx;
    const leadMs = clock.wallMs() - clock.nowMs();
    const ranAhead = leadMs - this.#wallLeadMs > WALL_TOLERANCE_MS;
    if (ranAhead || leadMs < this.#wallLeadMs) this.#wallLeadMs = leadMs;
    if (!ranAhead) return;
    for (const { stage } of claims.values()) if (stage.kind === 'held') this.due(stage.lease);
  }

  /** The server says that the lease is gone: there is nothing left to give back. */
  lost(lease: HeldLease, how: LossCause): void {
    const { claim } = lease;
    this.ctx.held.remove(claim.id, this.ctx.outbox.lastId);
    this.endings.forget(claim, 'expired');
    this.ctx.disengage();
    if (lease.isLive) this.#end(lease, 'lost', how);
  }

  /** Gives the lease back. Never rejects; settles when the server answers, or at the latest when the validity ends. */
  release(lease: HeldLease): Promise<ReleaseResult> {
    lease.release ??= this.#release(lease);
    return lease.release;
  }

  /** Extends the lease now, however long that takes within its validity. */
  extend(lease: HeldLease, pending: PendingExtension): void {
    if (!this.check(lease)) {
      pending.failed(lease.error);
      return;
    }
    lease.extensions = [...lease.extensions, pending];
    if (lease.extensions.length === 1) this.sayExtend(lease);
  }

  /** Sends the Extend somebody waits for, once the present stream knows of the lease. */
  sayExtend(lease: HeldLease): void {
    const { outbox, held, replies } = this.ctx;
    const { id } = lease.claim;
    if (lease.extensions.length === 0 || !outbox.attached || !held.has(id)) return;
    replies.set(outbox.say({ $case: 'extend', value: { requestId: BigInt(id) } }), { kind: 'extend', lease });
  }

  /** An Extend was answered; without an error, by an extension that names the lease or does not. */
  extendAnswered(lease: HeldLease, extended: boolean, error?: Error): void {
    const pending = lease.extensions;
    lease.extensions = [];
    for (const { done, failed } of pending) {
      if (extended) done();
      else failed(error ?? new UnavailableError('the extension was not confirmed'));
    }
  }

  /** The client is being closed, and every lease ends with it. */
  closed(lease: HeldLease, result: Promise<ReleaseResult>): void {
    this.ctx.disengage();
    this.ctx.alarms.clear(lease.claim.alarm);
    this.ctx.claims.delete(lease.claim.id);
    lease.release ??= result;
    if (lease.isLive) this.#end(lease, 'released', 'closed');
  }

  #release(lease: HeldLease): Promise<ReleaseResult> {
    const { claim, ttlMs } = lease;
    const leftMs = this.#leftMs(lease);
    if (leftMs === 0) {
      // Lost already. If its validity still ran, to let the holder wind down, this is the word that it has.
      if (claim.stage.kind === 'held' && this.ctx.claims.has(claim.id)) this.#giveBackLost(lease);
      return Promise.resolve({ outcome: 'expired' });
    }
    const result = new Promise<ReleaseResult>((resolve) => {
      this.endings.release(claim, ttlMs, leftMs, (outcome) => {
        this.ctx.disengage();
        resolve({ outcome });
      });
    });
    this.#end(lease, 'released', 'released');
    return result;
  }

  /** What is left of a lease's validity; 0 when it must not be relied on, which ends it. */
  #leftMs(lease: HeldLease): number {
    if (!lease.isLive) return 0;
    const leftMs = lease.deadline.remainingMs(this.ctx.clock);
    if (leftMs > lease.marginMs + ROUNDING_MS) return leftMs;
    this.#lose(lease, 'deadline');
    return 0;
  }

  #lose(lease: HeldLease, how: LossCause): void {
    this.#lapse(lease);
    this.#end(lease, 'lost', how);
  }

  /** The validity of a lost lease may be over. Only then is it given back: its holder may still be winding down. */
  #lapse(lease: HeldLease): void {
    const leftMs = lease.deadline.remainingMs(this.ctx.clock);
    if (leftMs > 0) this.ctx.alarms.set(lease.claim.alarm, this.ctx.clock.nowMs() + leftMs + ROUNDING_MS);
    else this.#giveBackLost(lease);
  }

  #giveBackLost(lease: HeldLease): void {
    this.endings.release(lease.claim, lease.ttlMs);
    this.ctx.disengage();
  }

  /** Everything else is done when the holder hears of it: it may call back in. */
  #end(lease: HeldLease, state: LeaseState, how: LossCause): void {
    lease.state = state;
    lease.how = how;
    if (lease.extensions.length > 0) this.extendAnswered(lease, false, lease.error);
    lease.listener?.(state, how === 'released' ? undefined : lease.error);
  }

  #deadline({ validity }: Granted): Deadline | undefined {
    if (validity === undefined) return undefined;
    const anchor: SentAt | undefined = this.ctx.sendTimes.find(Number(validity.anchor));
    return anchor === undefined ? undefined : new Deadline(anchor, validity.durationMs);
  }

  #liveState(lease: HeldLease, leftMs: number): LeaseState {
    return leftMs <= this.#riskMs(lease) + ROUNDING_MS ? 'atRisk' : 'held';
  }

  /** What is left when a lease comes to be at risk: a third, or more where an extension at half time would be a beat late. */
  #riskMs({ ttlMs, claim }: HeldLease): number {
    const thirdMs = ttlMs * RISK_SHARE;
    return claim.spec.manualExtension ? thirdMs : Math.max(thirdMs, ttlMs / 2 - this.ctx.intervalMs);
  }

  /** Sets the alarm for the next thing that can happen to a live lease of which `leftMs` are left now. */
  #schedule(lease: HeldLease, leftMs: number): void {
    const { alarms, clock } = this.ctx;
    const thresholdMs = lease.state === 'held' ? this.#riskMs(lease) : lease.marginMs;
    alarms.set(lease.claim.alarm, clock.nowMs() + leftMs - thresholdMs);
  }
}

/** How long before the end of its validity a lease counts as lost. */
export function abortMarginMs(ttlMs: number, optionMs: number | undefined): number {
  return Math.min(optionMs ?? Math.min(ttlMs * MARGIN_SHARE, MAX_MARGIN_MS), ttlMs / 2);
}
