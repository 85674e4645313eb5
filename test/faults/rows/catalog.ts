import { API_ROWS } from './api/api-rows.js';
import { CLIENT_ROWS } from './clients/client-rows.js';
import { A6 } from './clients/garbage-rows.js';
import { LIBRARY_ROWS } from './clients/library-rows.js';
import { CLOCK_ROWS } from './clocks/clock-rows.js';
import { WRONG_CLOCK_ROWS } from './clocks/wrong-clock-rows.js';
import { MISUSE_ROWS } from './misuse/misuse-rows.js';
import { NETWORK_ROWS } from './network/network-rows.js';
import { MEMORY_ROWS } from './nodes/memory-rows.js';
import { NODE_ROWS } from './nodes/node-rows.js';
import { PHASE_ROWS } from './nodes/phase-rows.js';
import { C16, C19 } from './nodes/slow-node-rows.js';
import { UNFIT_ROWS } from './nodes/unfit-rows.js';
import { C5, C9, C22 } from './nodes/wipe-rows.js';
import type { Row } from './row.js';
import { ADOPTION_ROWS } from './servers/adoption-rows.js';
import { CLUSTER_ROWS } from './servers/cluster-rows.js';
import { EMBEDDED_ROWS } from './servers/embedded-rows.js';
import { SERVER_ROWS } from './servers/server-rows.js';
import { STALL_ROWS } from './servers/stall-rows.js';

function later(id: string, title: string, why: string): Row {
  return { id, title, kind: 'waiting', why };
}

const { C26 } = ADOPTION_ROWS;
const { C25 } = STALL_ROWS;
const { A7, A11 } = LIBRARY_ROWS;
const { C1, C2, C3, C12, C17, C20 } = NODE_ROWS;
const { C11, C13, C14, C15, C18 } = UNFIT_ROWS;
const { C4 } = PHASE_ROWS;
const { C6, C7, C10, C24 } = MEMORY_ROWS;
const { A12, C23, E1, E2, E5, E6 } = CLOCK_ROWS;
const { E3 } = CLUSTER_ROWS;
const { E4, E7, E8 } = WRONG_CLOCK_ROWS;

/** Every row there is, in the order of the report. */
export const ROWS: readonly Row[] = [
  ...CLIENT_ROWS,
  A6,
  A7,
  A11,
  A12,
  later('A13', 'two clients with one idempotency key', 'comes with idempotency'),
  ...SERVER_ROWS,
  C1,
  C2,
  C3,
  C4,
  C5,
  C6,
  C7,
  C9,
  C10,
  C11,
  C12,
  C13,
  C14,
  C15,
  C16,
  C17,
  C18,
  C19,
  C20,
  C22,
  C23,
  C24,
  C25,
  C26,
  ...NETWORK_ROWS,
  E1,
  E2,
  E3,
  E4,
  E5,
  E6,
  E7,
  E8,
  later('F', 'PostgreSQL', 'comes with the PostgreSQL store'),
  ...EMBEDDED_ROWS,
  ...MISUSE_ROWS,
  ...API_ROWS,
  later('J3–J8, J10', 'one effect for each idempotency key', 'comes with idempotency'),
  later('J14', 'cycles of waits', 'comes with the detection of deadlocks'),
  later('K', 'certificates, tokens, roles, audit', 'comes with identity'),
];

export function rowOf(id: string): Row {
  const row = ROWS.find((each) => each.id === id);
  if (row === undefined) throw new RangeError(`there is no row ${id}`);
  return row;
}
