/** A lock server that has its addresses and an empty data directory, and does not run yet. */
export interface PreparedSystem {
  /** `host:port` for clients. */
  readonly target: string;
  spawn(): RunningSystem;
}

/** A lock server under measurement, in a process of its own. */
export interface RunningSystem {
  readonly target: string;
  readonly pid: number;
  /** Resolves when it serves; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** What it says about itself, summed up since its start; `undefined` where it says nothing of use. */
  counters(): Promise<ServerCounters | undefined>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

/** Counters from a server's metrics; differences between two readings make ratios. */
export interface ServerCounters {
  readonly commits: number;
  readonly commitGrants: number;
  readonly framesIn: number;
  readonly messagesIn: number;
  readonly framesOut: number;
  readonly messagesOut: number;
  readonly extensions: number;
  /** Leases that ended without being given back. */
  readonly lost: number;
}

/** Which kind of server; also chooses the load generator's driver. */
export type SystemName = 'holdfast' | 'etcd';
