/** One search: a model, its sizes, the rule that is left out, and what must come of it. */
export interface Variant {
  readonly id: string;
  readonly says: string;
  readonly model: 'ballot' | 'counter';
  /** Definitions for the model, by name; see its beginning for what is not given. */
  readonly sizes: Readonly<Record<string, number>>;
  /** `BREAK_…` of the model. */
  readonly without?: string;
  readonly expected: 'holds' | 'breaks';
  /** By breadth a counterexample is as short as can be; by depth a search that finds nothing needs less memory. */
  readonly search: 'depth' | 'breadth';
}

type Sizes = Variant['sizes'];

const KEPT: Sizes = { BIDS: 2, HORIZON: 4, WIPES: 1, ROUNDS: 1, SKEW: 0 };
const MOVED: Sizes = { BIDS: 2, HORIZON: 3, WIPES: 0, ROUNDS: 1, MOVES: 1, SKEW: 0 };

/** The protocol as it is: every search has to be exhaustive and to find nothing. */
const SOUND: readonly Variant[] = [
  sound('bids', 'three bids, handed on or not, one wipe', { BIDS: 3, HORIZON: 4, WIPES: 1, HANDOFFS: 1, SKEW: 0 }),
  sound('skew', 'two bids whose tokens are off the clock, two wipes', { BIDS: 2, HORIZON: 6, WIPES: 2, HANDOFFS: 1 }),
  sound('kept', 'a lease extended and repaired while another bid comes, one wipe', KEPT),
  sound('moved', 'the same lease adopted by a second server, heard of or not', MOVED),
];

/** One rule left out, where that breaks something. */
const BROKEN: readonly Variant[] = [
  {
    ...broken('node-counters', 'each node counts its grants; the token is the greatest number of a quorum', {}),
    model: 'counter',
  },
  {
    ...broken('counters-written-back', 'the greatest number is written back to a quorum, whatever is there', {}),
    model: 'counter',
    sizes: { WRITE_BACK: 1 },
  },
  broken('ballot-off', 'a node takes any token', { HORIZON: 3, WIPES: 0 }, 'NO_BALLOT'),
  broken('no-quarantine', 'a node that restarts empty votes at once', { HORIZON: 3, QUARANTINE: 0 }),
  broken(
    'ballots-copied',
    'a node that restarts empty copies the ballot of the others',
    { HORIZON: 3 },
    'COPY_BALLOTS',
  ),
  broken('quarantine-2w', 'a quarantine of exactly 2w', { HORIZON: 4, QUARANTINE: 2 }),
  broken('quarantine-ttl', 'a quarantine longer than 2w, shorter than a lease', { HORIZON: 5, QUARANTINE: 3, TTL: 4 }),
  broken('window-off', 'a node takes tokens far from its clock', { BIDS: 3, HORIZON: 4 }, 'NO_WINDOW'),
  broken(
    'release-anybody',
    'a release deletes whatever it finds',
    { BIDS: 3, HORIZON: 3, WIPES: 0, SKEW: 0 },
    'RELEASE_ANYBODY',
  ),
  broken(
    'acquire-adopts',
    'an acquire takes what the request left at a node for an accept',
    { BIDS: 3, HORIZON: 3, WIPES: 0 },
    'ACQUIRE_ADOPTS',
  ),
  broken(
    'deadline-from-answer',
    'a lease counts from when its client hears of it',
    { HORIZON: 4, WIPES: 0 },
    'DEADLINE_FROM_ANSWER',
  ),
  broken('extension-creates', 'an extension creates what is missing', { ...KEPT, WIPES: 0 }, 'EXTENSION_CREATES'),
  broken(
    'resume-keeps-value',
    'a resume leaves the value; the first server frees it at its own deadline',
    { ...MOVED, UNHEARD: 0, BREAK_FREED_AT_OWN_DEADLINE: 1 },
    'RESUME_KEEPS_VALUE',
  ),
  broken('freed-when-stream-ends', 'a server frees what a stream that ends held', MOVED, 'FREED_WHEN_STREAM_ENDS'),
  broken('repair-without-quorum', 'a node is repaired whatever the others say', MOVED, 'REPAIR_WITHOUT_QUORUM'),
];

/** One rule left out without harm to safety, in what the model can say: it keeps leases alive, or resources free. */
const HARMLESS: readonly Variant[] = [
  {
    ...sound('repair-any-ballot', 'a node is repaired whatever its ballot is now', MOVED),
    without: 'ANY_BALLOT_REPAIR',
  },
  {
    ...sound('tombstone-off', 'a release leaves no ballot', { BIDS: 3, HORIZON: 4, WIPES: 1, HANDOFFS: 1, SKEW: 0 }),
    without: 'NO_TOMBSTONE',
  },
  { ...sound('tombstone-off-kept', 'the same while a lease is extended and repaired', KEPT), without: 'NO_TOMBSTONE' },
  {
    ...sound(
      'freed-at-own-deadline',
      'the first server frees at its own deadline, while an adoption swaps the value',
      MOVED,
    ),
    without: 'FREED_AT_OWN_DEADLINE',
  },
];

export const GROUPS = { sound: SOUND, broken: BROKEN, harmless: HARMLESS } as const;

export const VARIANTS: readonly Variant[] = [...SOUND, ...BROKEN, ...HARMLESS];

function sound(id: string, says: string, sizes: Sizes): Variant {
  return { id, says, model: 'ballot', sizes, expected: 'holds', search: 'depth' };
}

function broken(id: string, says: string, sizes: Sizes, without?: string): Variant {
  const rule = without === undefined ? {} : { without };
  return { id, says, model: 'ballot', sizes, expected: 'breaks', search: 'breadth', ...rule };
}
