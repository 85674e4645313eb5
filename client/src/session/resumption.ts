import type { Resumed, ResumedLease, ResumedLease_Outcome, ResumeEntry, ResumeEntry_Claim } from '@holdfast/protocol';
import { type Acquisitions, acquireMessage } from './acquisitions.js';
import type { Claim } from './claim.js';
import type { SessionContext } from './context.js';
import type { Endings } from './endings.js';
import { resumeEntrySizeBound } from './frame-size.js';
import type { HeldLease } from './held-lease.js';
import type { Leases } from './leases.js';
import type { FrameKind } from './outbox.js';

const HELD: ResumeEntry_Claim.CLAIM_HELD = 1;
const OPEN: ResumeEntry_Claim.CLAIM_OPEN = 2;
const GIVEN_UP: ResumeEntry_Claim.CLAIM_GIVEN_UP = 3;

const IS_HELD: ResumedLease_Outcome.OUTCOME_HELD = 1;
const IS_LOST: ResumedLease_Outcome.OUTCOME_LOST = 2;
const IS_RELEASED: ResumedLease_Outcome.OUTCOME_RELEASED = 4;

/** What a new stream is told of the old ones, and what becomes of it. */
export class Resumption {
  constructor(
    private readonly ctx: SessionContext,
    private readonly acquisitions: Acquisitions,
    private readonly leases: Leases,
    private readonly endings: Endings,
  ) {}

  /** The Resume frames; none when there is nothing to resume. Every claim gets a secret for this resume. */
  frames(): readonly FrameKind[] {
    const chunks: ResumeEntry[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const claim of this.ctx.claims.values()) {
      claim.secrets.add(this.ctx.secrets.next());
      const entry = this.#entry(claim);
      const size = resumeEntrySizeBound(entry);
      bytes += size;
      if (bytes > this.ctx.outbox.maxFrameBytes) {
        chunks.push([]);
        bytes = size;
      }
      chunks.at(-1)?.push(entry);
    }
    const lastIndex = chunks.length - 1;
    return chunks.map((entries, index) => ({ $case: 'resume', value: { entries, last: index === lastIndex } }));
  }

  /** Takes the server's account of what it was told was held or given up. */
  resumed({ leases }: Resumed): void {
    for (const result of leases) {
      const claim = this.ctx.claims.get(Number(result.requestId));
      if (claim?.stage.kind === 'held') this.#heldResumed(claim, claim.stage.lease, result);
      else if (claim?.stage.kind === 'givenUp') this.#givenUpResumed(claim, result);
    }
  }

  #entry(claim: Claim): ResumeEntry {
    const { id, secrets, spec, stage } = claim;
    const entry = { requestId: BigInt(id), leaseId: '', tokens: [] };
    switch (stage.kind) {
      case 'open':
        return { ...entry, claim: OPEN, acquire: this.acquisitions.request(stage.acquisition, secrets) };
      case 'held': {
        const { leaseId, tokens, ttlMs } = stage.lease;
        const acquire = acquireMessage(spec, ttlMs, 0, secrets);
        return { ...entry, claim: HELD, acquire, leaseId, tokens: [...tokens] };
      }
      case 'givenUp':
        return { ...entry, claim: GIVEN_UP, acquire: acquireMessage(spec, spec.ttlMs, 0, secrets) };
    }
  }

  #heldResumed(claim: Claim, lease: HeldLease, { outcome, validity }: ResumedLease): void {
    const { held, outbox } = this.ctx;
    switch (outcome) {
      case IS_HELD:
        claim.secrets.confirmed();
        held.add(claim.id, lease.leaseId, outbox.lastId);
        if (validity !== undefined) this.leases.raise(lease, Number(validity.anchor), validity.durationMs);
        this.leases.sayExtend(lease);
        return;
      case IS_LOST:
      case IS_RELEASED:
        this.leases.lost(lease, 'expired');
        return;
      default:
        // Not known: good until the deadline already told; the server goes on trying with every beat.
        held.add(claim.id, lease.leaseId, outbox.lastId);
    }
  }

  #givenUpResumed(claim: Claim, { outcome }: ResumedLease): void {
    // Listed as held and given back since: the Release has an answer of its own.
    if (this.ctx.replies.has(claim.releaseId)) return;
    switch (outcome) {
      case IS_RELEASED:
        this.endings.forget(claim, 'released');
        return;
      case IS_LOST:
        this.endings.forget(claim, 'expired');
        return;
      default:
        this.endings.forget(claim, 'unknown');
    }
  }
}
