import type { Row } from './report.js';
import type { Presence } from './systems/system.js';

/** What every row needs to know. */
export interface BenchContext {
  /** Length of one measurement, without its warm-up. */
  readonly seconds: number;
  readonly etcd: Presence;
  readonly redis: Presence;
  /** Tells whoever watches how it goes. */
  readonly progress: (text: string) => void;
}

/** A row that can be measured. */
export interface RowSpec {
  readonly name: string;
  measure(context: BenchContext): Promise<Row>;
}

/** Measurements a side and row, alternating between the sides; the row's value is their median. */
export const ROUNDS = 3;
