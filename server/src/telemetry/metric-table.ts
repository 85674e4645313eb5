/** What a metric is. Its labels have few values each: never a resource, a session or a client. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly summary: string;
}

function metric(type: MetricSpec['type'], labels: readonly string[], summary: string): MetricSpec {
  return { type, labels, summary };
}

/** Every metric, by name. The endpoint and the table in docs/operations.md come from here. */
export const METRICS = {
  holdfast_acquires_total: metric('counter', ['outcome'], 'Acquires answered.'),
  holdfast_acquire_wait_seconds: metric('histogram', ['outcome'], 'Time from the arrival of an acquire to its answer.'),
  holdfast_leases_ended_total: metric('counter', ['end'], 'Leases that ended; expired and displaced ones were lost.'),
  holdfast_lease_hold_seconds: metric('histogram', ['end'], 'Time from the grant of a lease to its end.'),
  holdfast_lease_end_margin_seconds: metric('histogram', ['end'], 'Validity a lease had left when it ended.'),
  holdfast_extensions_total: metric('counter', [], 'Leases extended.'),
  holdfast_resumes_total: metric('counter', ['outcome'], 'Leases that returning sessions brought along.'),
  holdfast_failures_total: metric('counter', ['reason'], 'Failures sent to clients.'),
  holdfast_store_call_seconds: metric('histogram', ['verb'], 'Time the store took to answer a batch.'),
  holdfast_store_batch_entries: metric('histogram', ['verb'], 'Entries in a batch to the store.'),
  holdfast_store_commit_seconds: metric('histogram', ['store'], 'Time a disk commit took.'),
  holdfast_store_commit_grants: metric(
    'histogram',
    ['store'],
    'Grants, hand-offs and adoptions a disk commit carried.',
  ),
  holdfast_store_available: metric('gauge', [], '1 while the store answers, 0 while it does not.'),
  holdfast_node_state: metric(
    'gauge',
    ['node', 'state'],
    '1 for the state a node of the store is in, 0 for the others.',
  ),
  holdfast_node_clock_offset_seconds: metric('gauge', ['node'], "A node's clock less the median of all nodes' clocks."),
  holdfast_node_round_trip_seconds: metric('gauge', ['node'], 'Smoothed round trip of a call to a node.'),
  holdfast_node_quarantine_left_seconds: metric('gauge', ['node'], 'Time until a node votes again; 0 where it does.'),
  holdfast_node_faults_total: metric(
    'counter',
    ['kind'],
    'Calls to nodes that brought no vote, by what was in the way.',
  ),
  holdfast_votes_refused_total: metric('counter', ['vote'], 'Votes of nodes against a grant, by what they said.'),
  holdfast_quorum: metric('gauge', [], 'Nodes that must agree to a grant.'),
  holdfast_sessions: metric('gauge', ['state'], 'Sessions, with a stream (attached) or without (detached).'),
  holdfast_streams: metric('gauge', [], 'Streams open.'),
  holdfast_stream_messages_total: metric('counter', ['direction'], 'Messages on session streams, in and out.'),
  holdfast_stream_frames_total: metric('counter', ['direction'], 'Frames in those messages.'),
  holdfast_leases: metric('gauge', [], 'Leases held.'),
  holdfast_waiters: metric('gauge', [], 'Requests waiting.'),
  holdfast_resources: metric('gauge', [], 'Resources held or waited for.'),
  holdfast_timers: metric('gauge', [], 'Timers pending in the core.'),
  holdfast_event_loop_delay_seconds: metric(
    'gauge',
    ['quantile'],
    'How late the event loop ran what was due, over the last 10 to 20 seconds; quantile 1 is the longest stall.',
  ),
  holdfast_process_resident_memory_bytes: metric('gauge', [], 'Memory of the process.'),
  holdfast_process_heap_used_bytes: metric('gauge', [], 'JavaScript heap in use.'),
  holdfast_process_cpu_seconds_total: metric('counter', [], 'Processor time used, user and system.'),
  holdfast_process_uptime_seconds: metric('gauge', [], 'Time since the process started.'),
  holdfast_log_lines_dropped_total: metric('counter', [], 'Log lines thrown away because stderr was not read.'),
  holdfast_build_info: metric('gauge', ['version', 'store'], 'Always 1; the labels say what is running.'),
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof METRICS;

export type Labels = Readonly<Record<string, string>>;

/** One series of a metric, as it stands. */
export type Reading =
  | { readonly metric: MetricName; readonly labels: Labels; readonly value: number }
  | { readonly metric: MetricName; readonly labels: Labels; readonly histogram: HistogramReading };

export interface HistogramReading {
  /** Inclusive upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Values in each bucket, the last one being those above every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** Whoever has something to read. */
export type MetricSource = () => readonly Reading[];
