import type { Figures } from '../../history/history.js';
import { microseconds } from '../../history/terms.js';
import type { Control, Stage } from '../harness/stage.js';

/** One row of the table of faults. */
export type Row = { readonly id: string; readonly title: string } & (
  | {
      /** Runs processes of its own. */
      readonly kind: 'played';
      /** Answers its figure; violations go to the stage. */
      readonly play: (stage: Stage) => Promise<(figures: Figures) => string>;
      /** It has to find violations. */
      readonly control: Control;
      /** Default: beside it. Afterwards where it is the machine that is measured. */
      readonly controlRuns?: 'beside' | 'afterwards';
      readonly limitMs?: number;
      /** Why it cannot be run on this machine; `undefined` where it can. */
      readonly impossible?: () => Promise<string | undefined>;
    }
  | {
      /** Is what tests of the suite do; `scope` says what of it runs in processes of its own. */
      readonly kind: 'tested';
      /** From the folder `test`. */
      readonly files: readonly string[];
      /** The tests with this in their title. Default: the id and a colon. */
      readonly grep?: RegExp;
      readonly scope: string;
      readonly control: Control;
    }
  /** Nothing to run yet, or nothing that can run here. */
  | { readonly kind: 'waiting'; readonly why: string }
);

export type PlayedRow = Extract<Row, { kind: 'played' }>;
export type TestedRow = Extract<Row, { kind: 'tested' }>;

/** How a row ended. */
export type RowResult =
  | { readonly kind: 'held'; readonly figure: string; readonly control: ControlResult; readonly tookMs: number }
  | { readonly kind: 'broken'; readonly why: string; readonly tookMs: number }
  /** The machine cannot do it. */
  | { readonly kind: 'not_run'; readonly why: string; readonly tookMs: number };

export interface ControlResult {
  readonly without: string;
  readonly violations: number;
  /** In words. */
  readonly first: string;
}

/** What the checker measured. */
export function measured({ grants, overlapMs, marginMs }: Figures): string {
  const margin = marginMs === undefined ? '' : `, least margin ${microseconds(marginMs)}`;
  return `overlap ${microseconds(overlapMs)}${margin}, ${grants} grants`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
