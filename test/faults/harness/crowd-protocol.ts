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
  | { readonly kind: 'count' };

/** How a crowd stands. */
export interface CrowdCount {
  readonly kind: 'counted';
  readonly connected: number;
  readonly held: number;
  /** Of all leases there were, also those given back. */
  readonly lost: number;
  /** Requests of floods without an answer, and those refused, by the name of the error. */
  readonly unanswered: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** What it tells. */
export type CrowdEvent =
  | { readonly kind: 'ready' | 'joined' | 'holding' | 'flooding' }
  | CrowdCount
  | { readonly kind: 'failed'; readonly why: string };
