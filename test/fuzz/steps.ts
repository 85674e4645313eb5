/** What is wrong with an Acquire, if anything. */
export const ACQUIRE_FLAWS = [
  'short_secret',
  'short_earlier_secret',
  'eight_earlier_secrets',
  'no_resource',
  'two_resources',
  'empty_name',
  'long_name',
  'control_character',
  'ttl_too_low',
  'ttl_too_high',
  'ttl_negative',
  'wait_negative',
  'wait_too_long',
] as const;
export type AcquireFlaw = (typeof ACQUIRE_FLAWS)[number];

/** What is wrong with an entry of a Resume besides its Acquire. */
export const ENTRY_FLAWS = ['no_acquire', 'bad_lease_id', 'no_token', 'two_tokens', 'claim', 'future_id'] as const;
export type EntryFlaw = (typeof ENTRY_FLAWS)[number];

export const OPEN_FLAWS = ['short_secret', 'version', 'session_id', 'no_client_name', 'long_namespace'] as const;
export type OpenFlaw = (typeof OPEN_FLAWS)[number];

/** How the id of a frame relates to the last one of its session. */
export type IdRule = 'next' | 'skip' | 'same' | 'lower' | 'zero' | 'too_great';

/** One entry of a Resume; `of` counts the client's requests, modulo their number. */
export interface SaidEntry {
  readonly of: number;
  readonly claim: 'held' | 'open' | 'given_up';
  /** Whether the secrets used before are presented, or others that nobody has used. */
  readonly secrets: 'right' | 'wrong';
  readonly flaw?: AcquireFlaw | EntryFlaw;
}

export interface SaidOpen {
  readonly resume: boolean;
  readonly secret: 'right' | 'wrong';
  readonly flaw?: OpenFlaw;
}

/** One frame as a client means it, without what only the run knows: ids, secrets, tokens. */
export type Saying =
  | {
      readonly say: 'acquire';
      readonly name: number;
      readonly waitMs: number;
      readonly ttlMs?: number;
      readonly manual?: boolean;
      readonly flaw?: AcquireFlaw;
    }
  | { readonly say: 'cancel' | 'release' | 'extend'; readonly of: number }
  | { readonly say: 'heartbeat'; readonly account: 'right' | 'wrong' | 'ahead' }
  | { readonly say: 'held_list'; readonly account: 'right' | 'wrong'; readonly last: boolean }
  | { readonly say: 'resume'; readonly entries: readonly SaidEntry[]; readonly last: boolean }
  | ({ readonly say: 'open' } & SaidOpen)
  | { readonly say: 'close' | 'unknown' };

export type SaidFrame = Saying & { readonly id: IdRule };

/** A change to the bytes of a message; positions count modulo its length. */
export type Edit =
  | { readonly edit: 'flip'; readonly at: number; readonly bit: number }
  | { readonly edit: 'set'; readonly at: number; readonly byte: number }
  | { readonly edit: 'cut'; readonly at: number }
  | { readonly edit: 'remove'; readonly at: number; readonly count: number }
  | { readonly edit: 'insert'; readonly at: number; readonly hex: string }
  | { readonly edit: 'repeat'; readonly at: number; readonly count: number }
  /** The rest comes from a message sent before, counted back from the last. */
  | { readonly edit: 'splice'; readonly at: number; readonly back: number };

/** One thing that happens to a server. Plain data, so that a sequence can be kept in a file and made shorter. */
export type Step =
  /** A stream for a client's session, its first message an Open and what `frames` says; an older stream is left as it is. */
  | ({
      readonly do: 'open';
      readonly client: number;
      readonly id: IdRule;
      readonly frames: readonly SaidFrame[];
    } & SaidOpen)
  /** A stream whose first message is not an Open. */
  | { readonly do: 'barge_in'; readonly client: number; readonly frames: readonly SaidFrame[] }
  | {
      readonly do: 'say';
      readonly client: number;
      readonly frames: readonly SaidFrame[];
      readonly edits?: readonly Edit[];
    }
  | { readonly do: 'cut' | 'half_close'; readonly client: number }
  | { readonly do: 'wait'; readonly ms: number }
  /** From now on the store answers after that long, or not at all. */
  | { readonly do: 'store'; readonly answersAfterMs: number; readonly unavailable: boolean };
