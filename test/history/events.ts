/**
 * What a history consists of when it is written down: one JSON object a line, in the order in which its writer saw it.
 *
 * Times are whole microseconds of the machine's monotonic clock (`nowUs`), which all processes of a machine share, so that
 * what several of them wrote can be put in one order. Tokens are decimal strings, since JSON numbers are too short for them.
 * A lease is known by its client, its resource and its token.
 */
export type HistoryEvent = { readonly atUs: number } & (
  | InvokeEvent
  | OutcomeEvent
  | LeaseEvent
  | ProcessEvent
  | WriteEvent
  | QueueEvent
  | FaultEvent
  | LeftEvent
);

/** An acquire is about to be called. */
export interface InvokeEvent {
  readonly kind: 'invoke';
  readonly client: string;
  /** A name for this acquire, no other of its client has it. */
  readonly operation: string;
  readonly resource: string;
  readonly waitMs: number;
}

/** How an acquire ended: written as soon as its caller knows. */
export type OutcomeEvent =
  /** From now on the client relies on it, until `deadlineUs` unless it hears of an extension. */
  | {
      readonly kind: 'grant';
      readonly client: string;
      readonly operation: string;
      readonly token: string;
      readonly deadlineUs: number;
    }
  /** Somebody else holds it, or the wait was over, or it was cancelled. */
  | { readonly kind: 'denial'; readonly client: string; readonly operation: string }
  /** It failed; nothing was granted, or will be relied on by nobody. */
  | { readonly kind: 'failure'; readonly client: string; readonly operation: string; readonly code: string }
  /** It ended without an answer: it may hold the resource. */
  | { readonly kind: 'unknown'; readonly client: string; readonly operation: string };

/** A lease, as its client knows it. */
export type LeaseEvent = { readonly client: string; readonly resource: string; readonly token: string } & (
  | { readonly kind: 'extension'; readonly deadlineUs: number }
  /** The client was told, or found out, that it is not its own any more. `forced`: an operator took it away. */
  | { readonly kind: 'loss'; readonly how: 'told' | 'forced' }
  /** It stops relying on it by itself: its margin or its deadline has come. */
  | { readonly kind: 'belief_ends' }
  /** It gives it back. Written before the call, and from then on it does not rely on it. */
  | { readonly kind: 'release_call' }
  /** What came of that; without an answer it may have been freed, or not. */
  | { readonly kind: 'release_answer'; readonly outcome: string }
  /** It looked whether it may go on; `held`: it found that it may. */
  | { readonly kind: 'look'; readonly held: boolean }
);

/** A process of a client. */
export type ProcessEvent =
  | { readonly kind: 'died'; readonly client: string }
  /** It stands still, with all its clients' time. */
  | { readonly kind: 'paused'; readonly client: string }
  | { readonly kind: 'resumed'; readonly client: string };

/** What a resource that looks at tokens did with a write. `client` is the writer. */
export type WriteEvent = { readonly client: string; readonly resource: string; readonly token: string } & (
  | { readonly kind: 'write_accepted' }
  | { readonly kind: 'write_refused' }
);

/** What a server took and said, in its own order. `waiter`: a name for one request, no other has it. */
export type QueueEvent = { readonly server: string } & (
  | { readonly kind: 'queued'; readonly resource: string; readonly waiter: string }
  | { readonly kind: 'served'; readonly resource: string; readonly waiter: string }
  | { readonly kind: 'left_queue'; readonly resource: string; readonly waiter: string }
  | { readonly kind: 'was_away'; readonly resource: string; readonly waiter: string }
  | { readonly kind: 'server_died' }
);

/** What was done to the system. */
export type FaultEvent =
  | {
      readonly kind: 'fault_begins';
      readonly fault: string;
      /** Nothing can be certain under it: nothing may be granted, and acquires may fail with these codes only. */
      readonly closes?: { readonly codes: readonly string[]; readonly resources?: readonly string[] };
    }
  | {
      readonly kind: 'fault_ends';
      readonly fault: string;
      /** What is to be possible again, and within how many milliseconds. */
      readonly recovers?: { readonly resources: readonly string[]; readonly withinMs: number };
    }
  /** One try to have a resource, given back at once; those that succeed count as grants for a recovery. */
  | {
      readonly kind: 'probe';
      readonly resource: string;
      readonly calledUs: number;
      readonly granted: boolean;
    };

/** What is left at the end. `expiresInMs` is missing where it never ends. */
export type LeftEvent =
  | {
      readonly kind: 'key_left';
      readonly node: string;
      readonly key: string;
      readonly of: 'lock' | 'ballot' | 'own' | 'other';
      readonly expiresInMs?: number;
    }
  | {
      readonly kind: 'count_left';
      readonly where: string;
      readonly what: string;
      readonly count: number;
      readonly before?: number;
    };

export type EventKind = HistoryEvent['kind'];

/** Microseconds of the machine's monotonic clock. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
