import type { Write } from './accepted-writes.js';
import { type Belief, type BeliefsMayMeet, type Court, type Grant, microseconds, type Party } from './terms.js';

/** Two that believe the same thing at a time. */
interface Meeting {
  readonly beliefs: readonly [Belief, Belief];
  readonly sinceMs: number;
  /** When one of the two stops believing, if neither gives it up before or hears of an extension. */
  untilMs: number;
}

/**
 * I3: at no moment do two believe that they hold one resource, nor does one believe it twice. A belief lasts from the grant
 * to its deadline, or to when the client gave it up or learned that it is over.
 *
 * Beliefs are intervals of one time that all share. Two of them meet if and only if one believes already when the other
 * begins to, or is extended; so looking at these moments misses nothing.
 */
export class OneBeliever {
  /** Meetings that nobody promised to prevent. */
  excused = 0;
  /** The time that two believed it both, all meetings that are over taken together. */
  overlapMs = 0;
  readonly #byGrant = new Map<Grant, Belief>();
  readonly #byResource = new Map<string, Set<Belief>>();
  readonly #byClient = new Map<Party, Set<Belief>>();
  readonly #meetings = new Set<Meeting>();

  constructor(
    private readonly court: Court,
    private readonly beliefsMayMeet: BeliefsMayMeet,
    private readonly believed: (belief: Belief) => void = () => undefined,
  ) {}

  get(grant: Grant): Belief | undefined {
    return this.#byGrant.get(grant);
  }

  /** Whether a writer may rely on its token now, by what it was told. */
  believes({ resource, token, writer }: Write): boolean {
    const all = [...(this.#byResource.get(resource) ?? [])];
    return all.some(({ client, grant }) => client.name === writer && grant.token === token && grant.remainingMs() > 0);
  }

  begin(belief: Belief): void {
    this.#byGrant.set(belief.grant, belief);
    entry(this.#byResource, belief.resource).add(belief);
    entry(this.#byClient, belief.client).add(belief);
    this.#look(belief);
  }

  end(belief: Belief): void {
    this.#byGrant.delete(belief.grant);
    this.#byResource.get(belief.resource)?.delete(belief);
    this.#byClient.get(belief.client)?.delete(belief);
    for (const meeting of this.#meetings) if (meeting.beliefs.includes(belief)) this.#close(meeting);
  }

  endAll(client: Party): readonly Belief[] {
    const all = [...(this.#byClient.get(client) ?? [])];
    for (const belief of all) this.end(belief);
    this.#byClient.delete(client);
    return all;
  }

  /** Whether anybody believes what this client believes, now. */
  check(client: Party): void {
    for (const belief of this.#byClient.get(client) ?? []) this.#look(belief);
  }

  finish(): void {
    for (const meeting of this.#meetings) this.#close(meeting, meeting.untilMs);
  }

  #look(own: Belief): void {
    this.believed(own);
    const rivals = this.#byResource.get(own.resource);
    if (rivals === undefined || rivals.size < 2) return;
    const ownMs = own.grant.remainingMs();
    if (ownMs <= 0) return;
    for (const other of rivals) {
      const bothMs = other === own ? 0 : Math.min(ownMs, other.grant.remainingMs());
      if (bothMs > 0) this.#met(own, other, bothMs);
    }
  }

  #met(own: Belief, other: Belief, forMs: number): void {
    const { nowMs } = this.court;
    const untilMs = nowMs + forMs;
    for (const meeting of this.#meetings) {
      if (!meeting.beliefs.includes(own) || !meeting.beliefs.includes(other)) continue;
      meeting.untilMs = Math.max(meeting.untilMs, untilMs);
      return;
    }
    this.#meetings.add({ beliefs: [own, other], sinceMs: nowMs, untilMs });
    if (this.beliefsMayMeet(own.resource, forMs)) {
      this.excused += 1;
      return;
    }
    const tokens = `${own.grant.token} and ${other.grant.token}`;
    const pair = `${own.client.name} and ${other.client.name} both hold ${own.resource} (${tokens})`;
    const what = `${pair} for up to ${microseconds(forMs)}`;
    this.court.accuse('S1/I3', what, Math.min(own.sinceMs, other.sinceMs), own.resource);
  }

  #close(meeting: Meeting, nowMs = this.court.nowMs): void {
    this.#meetings.delete(meeting);
    this.overlapMs += Math.max(0, Math.min(nowMs, meeting.untilMs) - meeting.sinceMs);
  }
}

function entry<K>(map: Map<K, Set<Belief>>, key: K): Set<Belief> {
  const found = map.get(key) ?? new Set<Belief>();
  map.set(key, found);
  return found;
}
