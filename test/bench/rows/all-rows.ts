import type { RowSpec } from '../bench-context.js';
import { KeptLeases } from './kept-leases.js';
import { idleMemoryRow, startupRow } from './process-life.js';
import { sameJob, throughputRow } from './throughput.js';

const HAND_OFF_CLIENTS = 32;
/** Leases whose extensions are asked for one by one, all under way at the same time. */
const EXTENDED_LEASES = 256;

/** Every row, in the order of the report. */
export function allRows(): readonly RowSpec[] {
  return [
    ...[1, 64, 256].map((inFlight) =>
      throughputRow({
        name: `acquire-release embedded inflight-${inFlight}`,
        peer: 'etcd-v3lock',
        unit: 'lock+unlock pairs/s',
        ...sameJob((window) => ({ kind: 'acquire-release', inFlight, window })),
      }),
    ),
    throughputRow({
      name: `hand-off embedded waiters-${HAND_OFF_CLIENTS}`,
      peer: 'etcd-v3lock',
      unit: 'hand-offs/s',
      ...sameJob((window) => ({ kind: 'hand-off', clients: HAND_OFF_CLIENTS, window })),
    }),
    throughputRow({
      name: 'extensions embedded',
      peer: 'etcd-keepalive',
      unit: 'leases extended/s',
      ours: new KeptLeases(),
      theirs: (window) => ({ kind: 'extend', leases: EXTENDED_LEASES, window }),
    }),
    throughputRow({
      name: 'extensions-on-request embedded',
      peer: 'etcd-keepalive',
      unit: 'leases extended/s',
      ...sameJob((window) => ({ kind: 'extend', leases: EXTENDED_LEASES, window })),
    }),
    startupRow,
    idleMemoryRow,
  ];
}
