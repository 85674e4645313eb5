/** Somebody who acquires and believes. */
export interface Party {
  readonly name: string;
}

/** What somebody was granted. */
export interface Grant {
  readonly token: bigint;
  /** What is left of its validity, by its holder's own clock; none left, or less: nobody may rely on it. */
  remainingMs(): number;
}

/** Where it all happens: true time, and a record of it. */
export interface Scene {
  readonly nowMs: number;
  note(who: string, what: string, about?: string): void;
}

/** One acquire of one client. */
export interface Operation {
  readonly client: Party;
  readonly resource: string;
  readonly waitMs: number;
  readonly invokedAtMs: number;
}

/** A client's reason to think that it holds a resource. */
export interface Belief {
  readonly client: Party;
  readonly resource: string;
  readonly grant: Grant;
  readonly sinceMs: number;
}

/**
 * Whether what happens now may lead to two that believe they hold this resource, for so many milliseconds, all the same: a limit
 * that is documented. For no time at all: whether they may meet for any.
 */
export type BeliefsMayMeet = (resource: string, forMs: number) => boolean;

/** Something that must not have happened, and since when what led to it was under way. */
export interface Violation {
  readonly text: string;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly resource: string | undefined;
}

/**
 * What an invariant is called: by the guarantee that whoever uses Holdfast loses with it, where it has a number of its own,
 * and by its own number.
 */
export type InvariantName =
  | 'S2/I1'
  | 'I2'
  | 'S1/I3'
  | 'I4'
  | 'S4/I4'
  | 'I5'
  | 'S5/I5'
  | 'I6'
  | 'L4/I7'
  | 'L2/I8'
  | 'I10'
  | 'I11';

/** Where an invariant learns what time it is, and says that it was broken. */
export interface Court {
  readonly nowMs: number;
  accuse(of: InvariantName, what: string, sinceMs: number, resource?: string): void;
}

/** For figures and messages: whole microseconds where there are some, fractions where there is less than one. */
export function microseconds(ms: number): string {
  const us = ms * 1_000;
  return `${us === 0 || Math.abs(us) >= 1 ? Math.round(us) : us.toPrecision(2)} µs`;
}
