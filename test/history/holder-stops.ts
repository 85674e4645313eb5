import { type Belief, type BeliefsMayMeet, type Court, type Grant, microseconds } from './terms.js';

/** How a belief ended: by its holder's word, by its deadline or its margin, by what the server told, or by force. */
export type EndOfBelief = 'released' | 'stopped' | 'told' | 'forced';

/**
 * I4: a holder stops before anybody else can start. Whoever has not given a resource back keeps everybody else out until
 * its deadline, though it may have stopped before; it does not hold on after its deadline; and what is over is not extended.
 *
 * Of the grants of a resource each has one before it, so one figure for each pair says it: the moment of the grant less
 * the deadline before it. The least of them is the margin there was.
 */
export class HolderStops {
  /** The least time from a deadline that was let pass to the next grant. */
  marginMs = Number.POSITIVE_INFINITY;
  /** Of each resource the latest grant that its holder has not given back. */
  readonly #standing = new Map<string, Belief>();

  constructor(
    private readonly court: Court,
    private readonly beliefsMayMeet: BeliefsMayMeet,
  ) {}

  begin(belief: Belief): void {
    const { resource, client, grant } = belief;
    const before = this.#standing.get(resource);
    const isDead = grant.remainingMs() <= 0;
    // What is dead on arrival was granted whenever.
    if (before !== undefined && !isDead) {
      const marginMs = -before.grant.remainingMs();
      if (marginMs >= 0) this.marginMs = Math.min(this.marginMs, marginMs);
      else if (!this.beliefsMayMeet(resource, -marginMs)) {
        const early = `${client.name} was granted ${resource} ${microseconds(-marginMs)} before the deadline`;
        const what = `${early} of ${before.client.name}, which had not given it back`;
        this.court.accuse('I4', what, before.sinceMs, resource);
      }
    }
    if (before === undefined || !isDead) this.#standing.set(resource, belief);
  }

  end({ resource, grant }: Belief, how: EndOfBelief): void {
    const byWord = how === 'released' || how === 'forced';
    if (byWord && this.#standing.get(resource)?.grant === grant) this.#standing.delete(resource);
  }

  /** Its holder looked whether it may go on, and found that it may. */
  reliedOn({ client, resource, grant, sinceMs }: Belief): void {
    const overMs = -grant.remainingMs();
    if (overMs < 0) return;
    this.court.accuse('I4', `${client.name} relies on ${resource} ${microseconds(overMs)} too long`, sinceMs, resource);
  }

  /** An extension arrived; `belief`: what it was for, if that was believed still. */
  extended(belief: Belief | undefined, grant: Grant, who: string, resource: string): void {
    const { nowMs } = this.court;
    if (belief === undefined || grant.remainingMs() <= 0) {
      this.court.accuse('S4/I4', `${who} had ${resource} extended (${grant.token}) when it was over`, nowMs, resource);
    }
  }
}
