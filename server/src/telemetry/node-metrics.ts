import type { NodeReport } from '../core/ports.js';
import { CounterFamily } from './instruments.js';
import type { Reading } from './metric-table.js';

const STATES: readonly NodeReport['state'][] = ['connecting', 'admitted', 'quarantined', 'unavailable'];

/** What the nodes of a store do, in numbers. */
export class NodeMetrics {
  readonly #faults: CounterFamily;
  readonly #refusals: CounterFamily;

  /** What can be counted, to be shown from the start. */
  constructor(faultKinds: readonly string[], refusals: readonly string[]) {
    this.#faults = new CounterFamily('holdfast_node_faults_total', 'kind', faultKinds);
    this.#refusals = new CounterFamily('holdfast_votes_refused_total', 'vote', refusals);
  }

  /** A call to a node brought no vote. */
  fault(kind: string): void {
    this.#faults.add(kind);
  }

  /** A node voted against a grant. */
  refused(vote: string): void {
    this.#refusals.add(vote);
  }

  readings(reports: readonly NodeReport[], quorum: number): readonly Reading[] {
    return [
      ...this.#faults.readings(),
      ...this.#refusals.readings(),
      { metric: 'holdfast_quorum', labels: {}, value: quorum },
      ...reports.flatMap(nodeReadings),
    ];
  }
}

function nodeReadings(report: NodeReport): readonly Reading[] {
  const { id: node, state, clockOffsetMs, roundTripMs } = report;
  const leftMs = state === 'admitted' ? 0 : report.quarantineLeftMs;
  const gauges = [
    ['holdfast_node_clock_offset_seconds', clockOffsetMs],
    ['holdfast_node_round_trip_seconds', roundTripMs],
    ['holdfast_node_quarantine_left_seconds', leftMs],
  ] as const;
  return [
    ...STATES.map((each): Reading => {
      return { metric: 'holdfast_node_state', labels: { node, state: each }, value: each === state ? 1 : 0 };
    }),
    ...gauges.flatMap(([metric, ms]): readonly Reading[] =>
      ms === undefined ? [] : [{ metric, labels: { node }, value: ms / 1_000 }],
    ),
  ];
}
