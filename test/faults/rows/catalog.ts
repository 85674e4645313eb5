import type { Control } from '../harness/stage.js';
import { CLIENT_ROWS } from './client-rows.js';
import type { Row } from './row.js';
import { WIPE_ROWS } from './wipe-rows.js';

/** Every row there is, in the order of the report. */
export const ROWS: readonly Row[] = [...CLIENT_ROWS, ...WIPE_ROWS];

export function rowOf(id: string): Row {
  const row = ROWS.find((each) => each.id === id);
  if (row === undefined) throw new RangeError(`there is no row ${id}`);
  return row;
}

/** The control of a row when it is wanted, and has one. */
export function controlOf(row: Row, wanted: boolean): Control | undefined {
  return wanted && row.kind !== 'waiting' ? row.control : undefined;
}
