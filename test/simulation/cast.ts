import type { Workload } from './sim-client.js';

/** What clocks may do in one run. Beyond the first two, two beliefs may meet, as documented; tokens stay right. */
export type ClockFaults = 'none' | 'walls' | 'small steps' | 'steps' | 'leaps' | 'rates';

/** What one seed has chosen to run, whatever the store. Durations in milliseconds. */
export interface Cast {
  readonly profile: string;
  readonly servers: number;
  readonly resources: readonly string[];
  /** One client each. */
  readonly clients: readonly Workload[];
  readonly clockFaults: ClockFaults;
  readonly meanFaultEveryMs: number;
  /** Names of faults that strike more often than others, and by how much. */
  readonly likings: Readonly<Record<string, number>>;
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** How long servers remember a session without a stream. */
  readonly graceMs: number;
  /** Faults go on until so much has been granted. */
  readonly grants: number;
}

/** What a control run breaks on purpose. */
export interface Sabotage<Rule = string, C extends Cast = Cast> {
  /** A broken stream counts as the client's Close: leases are freed without their holder's word. */
  readonly closesOnBreak?: boolean;
  /** What is below the store is without these rules. */
  readonly without?: readonly Rule[];
  /** The resources do not look at tokens. */
  readonly unfenced?: boolean;
  /** The only kinds of faults there are: those that bring it out. */
  readonly kinds?: readonly string[];
  /** And who is there, where that matters. */
  readonly cast?: Partial<C>;
}

/** How one seed is to be run. */
export interface Play {
  /** Whoever can say more than usual says it. */
  readonly isReplay?: boolean;
  /** Of the faults, by their number, these only. Default: all. */
  readonly faults?: ReadonlySet<number>;
  /** A violation does not end the run. */
  readonly goesOn?: boolean;
}
