import { advantage, rounded } from './statistics.js';

/** Where and with what was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly fileSystem: string;
  readonly node: string;
  /** The peer's version; `null` when it could not run. */
  readonly etcd: string | null;
}

/** One side of a row, besides its value. */
export interface SideDetails {
  /** The value of each round; the row's is their median. */
  readonly rounds: readonly number[];
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** How much of the time the generator's event loop was busy, 0 to 1. */
  readonly generatorBusy?: number;
  /** Processor time of the generator and of the server, in seconds per second. */
  readonly generatorCores?: number;
  readonly serverCores?: number;
  /** Hand-offs that went to a client while another had asked earlier, in all rounds. */
  readonly outOfOrder?: number;
}

/** One comparison. */
export interface Row {
  readonly name: string;
  readonly peer: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly ours: number;
  readonly peerValue: number | null;
  /** How many times better ours is, whichever direction is better. */
  readonly ratio: number | null;
  readonly oursDetails: SideDetails;
  readonly peerDetails: SideDetails | null;
  /** Frames in a message of the session stream, both directions together. */
  readonly framesPerMessage?: number;
  /** Leases that one write to disk granted. */
  readonly grantsPerCommit?: number;
  readonly note?: string;
}

export interface BenchReport {
  /** With `-dirty` when the work tree differed from it. */
  readonly commit: string;
  readonly date: string;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Whether every row there is was measured. */
  readonly complete: boolean;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

/** A row before its ratio. */
export type Comparison = Omit<Row, 'ratio'>;

/** Rounds the figures and adds the ratio. */
export function row(comparison: Comparison): Row {
  const { ours, peerValue, better } = comparison;
  return {
    ...comparison,
    ours: rounded(ours),
    peerValue: peerValue === null ? null : rounded(peerValue),
    ratio: peerValue === null ? null : rounded(advantage(ours, peerValue, better)),
  };
}
