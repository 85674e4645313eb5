/** Whether a program that is measured can run here; where it cannot, why. */
export type Presence =
  | { readonly kind: 'present'; readonly version: string }
  | { readonly kind: 'missing'; readonly why: string };

/** A lock server that has its addresses and an empty data directory, and does not run yet. */
export interface PreparedSystem {
  /** For clients: `host:port`, or several with commas between. */
  readonly target: string;
  spawn(): RunningSystem;
}

/** A lock service under measurement, in processes of its own. */
export interface RunningSystem {
  readonly target: string;
  /** Its processes by now. */
  processes(): SystemProcesses;
  /** Resolves when it serves; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** What it says about itself, summed up since its start; `undefined` where it says nothing of use. */
  counters(): Promise<ServerCounters | undefined>;
  /** Ends the processes and removes their data. */
  stop(): Promise<void>;
}

/** Process ids. */
export interface SystemProcesses {
  /** `undefined` where clients do all the work by themselves. */
  readonly server: number | undefined;
  /** The Redis nodes beneath; none elsewhere. */
  readonly nodes: readonly number[];
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
  /** Script calls that the mean Redis node beneath has had; 0 where there are none. */
  readonly scriptCalls: number;
}

/** Ways for a load generator to talk to a system. */
const DRIVER_NAMES = ['holdfast', 'etcd', 'node-redlock', 'redis-semaphore', 'batched-scripts'] as const;

export type DriverName = (typeof DRIVER_NAMES)[number];

export function isDriverName(text: string): text is DriverName {
  return DRIVER_NAMES.some((name) => name === text);
}
