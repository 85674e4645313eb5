import type { RowSpec } from '../bench-context.js';
import type { MeasuredJob, Window } from '../generator/job.js';
import { ON_ETCD, ON_REDIS, onBareNodes } from './contestants.js';
import { KeptLeases } from './kept-leases.js';
import { generated, type ThroughputSpec, throughputRow } from './throughput.js';
import {
  acquireRelease,
  EXTENSIONS,
  extend,
  HAND_OFF_CLIENTS,
  HAND_OFFS,
  handOff,
  IN_FLIGHT,
  MOST_IN_FLIGHT,
  PAIRS,
} from './workloads.js';

/** Nodes take fewer extensions than a table in memory: five on two processors about 100,000 a second. */
const MOST_LEASES = 40_000;

/** Our server on five Redis nodes, beside libraries on five nodes of theirs, and etcd. */
export function redlockRows(): readonly RowSpec[] {
  return [
    ...IN_FLIGHT.map((inFlight) =>
      throughputRow({
        name: `acquire-release redlock-5 inflight-${inFlight}`,
        unit: PAIRS,
        ...besideLibraries(acquireRelease(inFlight)),
      }),
    ),
    throughputRow({
      name: `hand-off redlock-5 waiters-${HAND_OFF_CLIENTS}`,
      unit: HAND_OFFS,
      ...besideLibraries(handOff),
    }),
    throughputRow({
      name: 'extensions redlock-5',
      unit: EXTENSIONS,
      on: ON_REDIS,
      ours: new KeptLeases(MOST_LEASES),
      rivals: [{ label: 'etcd-keepalive', on: ON_ETCD, job: extend }],
      others: [],
    }),
    throughputRow({
      name: 'batched-scripts redlock-5',
      unit: PAIRS,
      on: ON_REDIS,
      ours: generated(acquireRelease(MOST_IN_FLIGHT)),
      rivals: [{ label: 'batched-scripts', on: onBareNodes('batched-scripts'), job: scripts }],
      others: [],
    }),
  ];
}

/** Full calls, as many at a time at a node as the server makes; twice as many on their way, so that none is idle. */
function scripts(window: Window): MeasuredJob {
  return { kind: 'batches', batches: 4, entries: 256, callsPerNode: 2, window };
}

/** The same job for everybody. */
function besideLibraries(
  job: (window: Window) => MeasuredJob,
): Pick<ThroughputSpec, 'on' | 'ours' | 'rivals' | 'others'> {
  return {
    on: ON_REDIS,
    ours: generated(job),
    rivals: [
      { label: 'node-redlock', on: onBareNodes('node-redlock'), job },
      { label: 'redis-semaphore', on: onBareNodes('redis-semaphore'), job },
    ],
    others: [{ label: 'etcd-v3lock', on: ON_ETCD, job }],
  };
}
