import type { ConnectOptions } from '@holdfast/client';

/** What a crowd is told. */
export type CrowdOrder =
  /** So many more clients, each with a connection of its own. */
  | {
      readonly kind: 'join';
      readonly targets: readonly string[];
      readonly count: number;
      readonly options: ConnectOptions;
    }
  /** Each takes a lease on a resource of its own, and keeps it. */
  | { readonly kind: 'hold'; readonly ttlMs: number }
  /** Each asks so many times for one resource, at once; nobody waits for the answers. */
  | {
      readonly kind: 'flood';
      readonly name: string;
      readonly times: number;
      readonly ttlMs: number;
      readonly waitMs: number;
    }
  /** Each takes one lease after another, each on a resource of its own, and keeps them, until told that it has enough. */
  | { readonly kind: 'gather'; readonly ttlMs: number }
  | { readonly kind: 'enough' }
  /** The first of them asks so many times for one resource; who is served gives it back, and whoever pleases gives up meanwhile. */
  | ({ readonly kind: 'line_up' } & Line)
  /** Answered when everybody in the line has been served or has given up. */
  | { readonly kind: 'dissolve' }
  | { readonly kind: 'count' };

export interface Line {
  readonly name: string;
  /** The number of the first who asks, and how many ask. */
  readonly from: number;
  readonly count: number;
  /** The chance that somebody gives up whenever somebody else is served. */
  readonly leaving: number;
  readonly ttlMs: number;
  readonly waitMs: number;
}

/** What somebody in a line does, or what is done to them. */
export interface LineMove {
  readonly place: number;
  readonly kind: 'queued' | 'served' | 'left_queue';
  readonly atUs: number;
}

/** How a crowd stands. */
export interface CrowdCount {
  readonly kind: 'counted';
  readonly connected: number;
  readonly held: number;
  /** Leases granted one after another, and how many tokens of those were not above the one before. */
  readonly gathered: number;
  readonly unrisen: number;
  /** Of all leases there were, also those given back. */
  readonly lost: number;
  /** Requests of floods without an answer, and those refused, by the name of the error. */
  readonly unanswered: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** What it tells. */
export type CrowdEvent =
  | { readonly kind: 'ready' | 'joined' | 'holding' | 'flooding' | 'gathering' | 'lined_up' }
  | { readonly kind: 'dissolved'; readonly moves: readonly LineMove[] }
  | CrowdCount
  | { readonly kind: 'failed'; readonly why: string };
