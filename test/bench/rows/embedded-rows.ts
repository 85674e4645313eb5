import type { RowSpec } from '../bench-context.js';
import { EMBEDDED, ON_ETCD } from './contestants.js';
import { KeptLeases } from './kept-leases.js';
import { generated, type Peer, throughputRow } from './throughput.js';
import {
  acquireRelease,
  EXTENSIONS,
  extend,
  HAND_OFF_CLIENTS,
  HAND_OFFS,
  handOff,
  IN_FLIGHT,
  PAIRS,
} from './workloads.js';

/** More than this server can keep alive, on the machines it was tried on. */
const MOST_LEASES = 80_000;
const KEEPALIVE: Peer = { label: 'etcd-keepalive', on: ON_ETCD, job: extend };

/** Our server with its own log, beside etcd. */
export function embeddedRows(): readonly RowSpec[] {
  return [
    ...IN_FLIGHT.map((inFlight) => {
      const job = acquireRelease(inFlight);
      return throughputRow({
        name: `acquire-release embedded inflight-${inFlight}`,
        unit: PAIRS,
        on: EMBEDDED,
        ours: generated(job),
        rivals: [{ label: 'etcd-v3lock', on: ON_ETCD, job }],
        others: [],
      });
    }),
    throughputRow({
      name: `hand-off embedded waiters-${HAND_OFF_CLIENTS}`,
      unit: HAND_OFFS,
      on: EMBEDDED,
      ours: generated(handOff),
      rivals: [{ label: 'etcd-v3lock', on: ON_ETCD, job: handOff }],
      others: [],
    }),
    throughputRow({
      name: 'extensions embedded',
      unit: EXTENSIONS,
      on: EMBEDDED,
      ours: new KeptLeases(MOST_LEASES),
      rivals: [KEEPALIVE],
      others: [],
    }),
    throughputRow({
      name: 'extensions-on-request embedded',
      unit: EXTENSIONS,
      on: EMBEDDED,
      ours: generated(extend),
      rivals: [KEEPALIVE],
      others: [],
    }),
  ];
}
