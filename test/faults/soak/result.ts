import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from '../../history/history.js';
import { ROOT } from '../../support/project-root.js';
import { write } from '../rows/results.js';
import type { ControlResult } from '../rows/row.js';
import type { LeakRow } from './leaks.js';
import type { Strike } from './strikes.js';

export type StoreName = 'redlock' | 'embedded';

/** What came of a soak. */
export interface SoakResult {
  readonly seed: number;
  readonly minutes: number;
  readonly rounds: number;
  /** How often each was done. */
  readonly strikes: Readonly<Partial<Record<Strike['kind'], number>>>;
  /** Writes of clients, the resource's answers left aside. */
  readonly writes: number;
  readonly violations: readonly string[];
  readonly figures: Figures;
  readonly leaks: readonly LeakRow[];
  /** Why it did not come to its end. */
  readonly failure?: string;
}

/** What the process that soaks tells. */
export type SoakEvent =
  | { readonly kind: 'said'; readonly line: string }
  /** `found`: what a control has found, or in words that it has found nothing. */
  | { readonly kind: 'done'; readonly result: SoakResult; readonly found?: ControlResult | string };

/** The latest result over a store, with where it comes from. */
export interface RecordedSoak extends SoakResult {
  /** A short run without some protection, which has to find violations. */
  readonly control?: ControlResult;
  readonly commit: string;
  readonly date: string;
  readonly machine: string;
}

export type Soaks = Readonly<Partial<Record<StoreName, RecordedSoak>>>;

const LATEST = join(ROOT, 'test/faults/results/soak.json');

export function latestSoaks(): Soaks {
  return existsSync(LATEST) ? (JSON.parse(readFileSync(LATEST, 'utf8')) as Soaks) : {};
}

export function recordSoak(store: StoreName, recorded: RecordedSoak): void {
  write(LATEST, { ...latestSoaks(), [store]: recorded } satisfies Soaks);
}
