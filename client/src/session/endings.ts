import type { Claim, ReleaseOutcome } from './claim.js';
import type { SessionContext } from './context.js';

/** What becomes of requests and leases that are of no more use: told to the server until it confirms. */
export class Endings {
  constructor(private readonly ctx: SessionContext) {}

  /** Gives up a request that has not been answered. */
  cancel(claim: Claim): void {
    this.#giveUp(claim, claim.spec.ttlMs ?? this.ctx.defaultTtlMs, 0, undefined);
    const { outbox } = this.ctx;
    if (outbox.attached) outbox.say({ $case: 'cancel', value: { requestId: BigInt(claim.id) } });
  }

  /**
   * Gives back a lease. `ended` is called once, after `answerWithinMs` at the latest; the server is told on every stream
   * until it answers, for one TTL: after that nothing can be left.
   */
  release(
    claim: Claim,
    ttlMs: number,
    answerWithinMs = 0,
    ended: ((outcome: ReleaseOutcome) => void) | undefined = undefined,
  ): void {
    const { held, outbox } = this.ctx;
    held.remove(claim.id, outbox.lastId);
    this.#giveUp(claim, ttlMs, answerWithinMs, ended);
    this.sayRelease(claim);
  }

  /** Sends a Release, if there is a stream. */
  sayRelease(claim: Claim): void {
    const { outbox, replies } = this.ctx;
    if (!outbox.attached) return;
    claim.releaseId = outbox.say({ $case: 'release', value: { requestId: BigInt(claim.id) } });
    replies.set(claim.releaseId, { kind: 'release', claim });
  }

  /** A grant came for a request that nothing is known of any more. */
  releaseUnknown(requestId: number): void {
    this.ctx.outbox.say({ $case: 'release', value: { requestId: BigInt(requestId) } });
  }

  /** Nothing is left of a claim, or nothing more will be heard of it. */
  forget(claim: Claim, outcome: ReleaseOutcome): void {
    const { alarms, claims } = this.ctx;
    alarms.clear(claim.alarm);
    claims.delete(claim.id);
    if (claim.stage.kind === 'givenUp') claim.stage.ended?.(outcome);
  }

  /** A given-up claim's alarm rang. */
  due(claim: Claim): void {
    if (claim.stage.kind !== 'givenUp') return;
    const { ended, forgetAtMs } = claim.stage;
    if (this.ctx.clock.nowMs() >= forgetAtMs) {
      this.forget(claim, 'unknown');
      return;
    }
    claim.stage = { ...claim.stage, ended: undefined };
    this.ctx.alarms.set(claim.alarm, forgetAtMs);
    ended?.('unknown');
  }

  #giveUp(
    claim: Claim,
    ttlMs: number,
    answerWithinMs: number,
    ended: ((outcome: ReleaseOutcome) => void) | undefined,
  ): void {
    const nowMs = this.ctx.clock.nowMs();
    const forgetAtMs = nowMs + Math.max(ttlMs, answerWithinMs);
    claim.stage = { kind: 'givenUp', ended, forgetAtMs };
    this.ctx.alarms.set(claim.alarm, ended === undefined ? forgetAtMs : nowMs + Math.max(0, answerWithinMs));
  }
}
