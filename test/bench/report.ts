import type { Percentiles } from './generator/job.js';
import { advantage, rounded } from './statistics.js';

/** Where and with what was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly fileSystem: string;
  readonly node: string;
  /** Versions of what others made; `null` where it could not run. */
  readonly etcd: string | null;
  readonly redis: string | null;
}

/** Processor time in microseconds that one operation took of each kind of process. */
export interface CpuMicros {
  readonly generator: number;
  /** Absent where there is no server. */
  readonly server?: number;
  /** All Redis nodes together; absent where there are none. */
  readonly nodes?: number;
}

/** One side of a row, besides its value. */
export interface SideDetails {
  /** The value of each round; the row's is their median. */
  readonly rounds: readonly number[];
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** From the request to the grant, where an operation goes on after it. */
  readonly acquire?: Percentiles;
  /** How much of the time the generator's event loop was busy, 0 to 1. */
  readonly generatorBusy?: number;
  /** Processor time of the generator, the server and all Redis nodes together, in seconds per second. */
  readonly generatorCores?: number;
  readonly serverCores?: number;
  readonly nodesCores?: number;
  readonly cpuMicros?: CpuMicros;
  /** Hand-offs that went to a client while another had asked earlier, in all rounds. */
  readonly outOfOrder?: number;
}

/** What a peer did in a row. */
export interface PeerResult {
  readonly peer: string;
  readonly peerValue: number | null;
  readonly peerDetails: SideDetails | null;
}

/** A peer beside ours. */
export interface RatedPeer extends PeerResult {
  /** How many times better ours is, whichever direction is better. */
  readonly ratio: number | null;
}

/** One comparison: with its peer, which is the best of those that do the same in the same way, and with others. */
export interface Row extends RatedPeer {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly ours: number;
  readonly oursDetails: SideDetails;
  /** Everyone else who was measured; absent when nobody was. */
  readonly others?: readonly RatedPeer[];
  /** Frames in a message of the session stream, both directions together. */
  readonly framesPerMessage?: number;
  /** Leases that one write to disk granted. */
  readonly grantsPerCommit?: number;
  /** Script calls that a Redis node had for one operation. */
  readonly scriptCallsPerOperation?: number;
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

/** A row before its ratios. */
export interface Comparison extends Omit<Row, 'ratio' | 'others'> {
  readonly others?: readonly PeerResult[];
}

/** Rounds the figures and adds the ratios. */
export function row({ others, ...comparison }: Comparison): Row {
  const { ours, better } = comparison;
  const rated = others?.map((other) => ({ ...other, ...rating(ours, other.peerValue, better) }));
  return {
    ...comparison,
    ours: rounded(ours),
    ...rating(ours, comparison.peerValue, better),
    ...(rated !== undefined && { others: rated }),
  };
}

/** The best first, and at the end those that could not run. Of equals the first stays first. */
export function byMerit(peers: readonly PeerResult[], better: Row['better']): readonly PeerResult[] {
  const worst = better === 'higher' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const sign = better === 'higher' ? 1 : -1;
  const merit = ({ peerValue }: PeerResult): number => sign * (peerValue ?? worst);
  return peers.toSorted((a, b) => (merit(a) === merit(b) ? 0 : merit(b) - merit(a)));
}

function rating(ours: number, peerValue: number | null, better: Row['better']): Pick<RatedPeer, 'peerValue' | 'ratio'> {
  if (peerValue === null) return { peerValue: null, ratio: null };
  return { peerValue: rounded(peerValue), ratio: rounded(advantage(ours, peerValue, better)) };
}
