/** How long to warm up, and then to measure. */
export interface Window {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What a load generator is asked to measure. */
export type MeasuredJob =
  /** Takes and gives back distinct names, so many at a time, over one client. */
  | { readonly kind: 'acquire-release'; readonly inFlight: number; readonly window: Window }
  /** So many clients, each with a connection and a lease of its own, take turns on one name. */
  | { readonly kind: 'hand-off'; readonly clients: number; readonly window: Window }
  /** Extends so many leases over one stream, a request per extension, one under way per lease. */
  | { readonly kind: 'extend'; readonly leases: number; readonly window: Window }
  /** Takes so many leases over each of several clients and leaves it to them to keep the leases alive. */
  | {
      readonly kind: 'keep-alive';
      readonly clients: number;
      readonly leasesPerClient: number;
      readonly ttlMs: number;
      readonly window: Window;
    }
  /** So many batches of locks at a time, each taken and given back as a whole; a pair of entries is an operation. */
  | {
      readonly kind: 'batches';
      readonly batches: number;
      readonly entries: number;
      readonly callsPerNode: number;
      readonly window: Window;
    };

/** What a load generator is asked to do; `first-grant`: wait for the server to come up, take one lock, give it back. */
export type Job = MeasuredJob | { readonly kind: 'first-grant' };

/** How long something took: half of the times, and all but one in a hundred, were at most this long. */
export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What came of a job. */
export interface Measurement extends Percentiles {
  /** Operations finished per second in the window. */
  readonly perSecond: number;
  /** Of the part of an operation that ends with the grant, where it was measured; the others are of whole operations. */
  readonly acquire?: Percentiles;
  /** How much of the time the generator's event loop was busy, 0 to 1. */
  readonly busy: number;
  /** Processor time of the generator per second; garbage collection and I/O threads can make it more than 1. */
  readonly cores: number;
  /** Hand-offs that went to a client while another had asked earlier. */
  readonly outOfOrder: number;
  /** Leases that were to be kept alive and were lost. */
  readonly lost: number;
}

export interface Order {
  readonly id: number;
  readonly job: Job;
}

/** What a generator says: once that it has started, and then of each job. `measuring` marks the end of the warm-up. */
export type Report =
  | { readonly id: 0; readonly kind: 'started' }
  | { readonly id: number; readonly kind: 'measuring' }
  | { readonly id: number; readonly kind: 'granted' }
  | { readonly id: number; readonly kind: 'measured'; readonly measurement: Measurement }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };
