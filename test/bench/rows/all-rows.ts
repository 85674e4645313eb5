import type { RowSpec } from '../bench-context.js';
import { embeddedRows } from './embedded-rows.js';
import { idleMemoryRow, startupRow } from './process-life.js';
import { redlockRows } from './redlock-rows.js';

/** Every row, in the order of the report. */
export function allRows(): readonly RowSpec[] {
  return [...embeddedRows(), ...redlockRows(), startupRow, idleMemoryRow];
}
