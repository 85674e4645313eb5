import { expect } from 'chai';
import { CoreMetrics, sizeReadings } from '../../server/src/telemetry/core-metrics.js';
import { CounterFamily, HistogramFamily } from '../../server/src/telemetry/instruments.js';
import { METRICS, type MetricName, type Reading } from '../../server/src/telemetry/metric-table.js';
import { type MetricsEndpoint, serveMetrics } from '../../server/src/telemetry/metrics-endpoint.js';
import { EventLoopWatch, processReadings } from '../../server/src/telemetry/process-metrics.js';

const SIZES = { sessionsAttached: 3, sessionsDetached: 1, leases: 7, waiters: 2, resources: 8, timers: 5 };

function reading(readings: readonly Reading[], metric: MetricName, label?: string): Reading {
  const found = readings.find(
    (each) => each.metric === metric && (label ?? '') === (Object.values(each.labels)[0] ?? ''),
  );
  if (found === undefined) throw new Error(`no reading of ${metric} ${label ?? ''}`);
  return found;
}

describe('instruments', () => {
  it('count per label value, from the start for those that are known', () => {
    const family = new CounterFamily('holdfast_acquires_total', 'outcome', ['granted', 'held']);
    family.add('granted');
    family.add('granted', 4);
    family.add('new');
    const counts = family.readings().map((each) => [each.labels['outcome'], 'value' in each && each.value]);
    expect(counts).to.deep.equal([
      ['granted', 5],
      ['held', 0],
      ['new', 1],
    ]);
  });

  it('never have more than 65 series, whatever the labels', () => {
    const family = new CounterFamily('holdfast_failures_total', 'reason');
    for (let i = 0; i < 1_000; i += 1) family.add(`reason-${i}`);
    const readings = family.readings();
    expect(readings).to.have.lengthOf(65);
    expect(readings.at(-1)).to.deep.include({ labels: { reason: 'other' }, value: 1_000 - 64 });
  });

  it('put a value into the bucket whose bound it does not exceed', () => {
    const family = new HistogramFamily('holdfast_store_batch_entries', 'verb', [1, 2, 4]);
    for (const value of [0, 1, 1.5, 2, 4, 5, 1_000]) family.record('acquire', value);
    expect(family.readings()).to.deep.equal([
      {
        metric: 'holdfast_store_batch_entries',
        labels: { verb: 'acquire' },
        histogram: { bounds: [1, 2, 4], counts: [2, 2, 1, 2], sum: 1_013.5, count: 7 },
      },
    ]);
  });
});

describe('metrics of the core', () => {
  it('turn milliseconds into seconds and each call into its series', () => {
    const metrics = new CoreMetrics();
    metrics.acquireEnded('granted', 1_500);
    metrics.leaseEnded('expired', 60_000, 0);
    metrics.extended(12);
    metrics.extended(1);
    metrics.resumed('adopted');
    metrics.failed('LIMIT_REACHED');
    metrics.storeCalled('hand_off', 32, 2);
    metrics.storeIsAvailable(false);
    const readings = metrics.readings();
    expect(reading(readings, 'holdfast_acquires_total', 'granted')).to.include({ value: 1 });
    expect(reading(readings, 'holdfast_acquires_total', 'held')).to.include({ value: 0 });
    expect(reading(readings, 'holdfast_leases_ended_total', 'expired')).to.include({ value: 1 });
    expect(reading(readings, 'holdfast_extensions_total')).to.include({ value: 13 });
    expect(reading(readings, 'holdfast_resumes_total', 'adopted')).to.include({ value: 1 });
    expect(reading(readings, 'holdfast_failures_total', 'LIMIT_REACHED')).to.include({ value: 1 });
    expect(reading(readings, 'holdfast_store_available')).to.include({ value: 0 });
    const sums: readonly (readonly [MetricName, string, number])[] = [
      ['holdfast_acquire_wait_seconds', 'granted', 1.5],
      ['holdfast_lease_hold_seconds', 'expired', 60],
      ['holdfast_lease_end_margin_seconds', 'expired', 0],
      ['holdfast_store_call_seconds', 'hand_off', 0.002],
      ['holdfast_store_batch_entries', 'hand_off', 32],
    ];
    for (const [metric, label, sum] of sums) {
      const found = reading(readings, metric, label);
      expect('histogram' in found && found.histogram, metric).to.include({ sum, count: 1 });
    }
  });
});

describe('metrics endpoint', () => {
  let endpoint: MetricsEndpoint;
  let watch: EventLoopWatch;
  const metrics = new CoreMetrics();

  before(async () => {
    watch = new EventLoopWatch(() => undefined);
    const sources = [() => metrics.readings(), () => sizeReadings(SIZES, 3), processReadings, () => watch.readings()];
    endpoint = await serveMetrics(sources, { host: '127.0.0.1', port: 0 });
  });

  after(async () => {
    watch.stop();
    await endpoint.close();
  });

  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${endpoint.port}${path}`, init);

  it('speaks the text format, with type and help for each metric', async () => {
    metrics.acquireEnded('granted', 3);
    const response = await get('/metrics');
    const text = await response.text();
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.match(/^text\/plain/);
    expect(text).to.include('# TYPE holdfast_acquires_total counter\nholdfast_acquires_total{outcome="granted"} 1\n');
    expect(text).to.include('holdfast_acquire_wait_seconds_bucket{outcome="granted",le="0.0025"} 0\n');
    expect(text).to.include('holdfast_acquire_wait_seconds_bucket{outcome="granted",le="0.005"} 1\n');
    expect(text).to.include('holdfast_acquire_wait_seconds_bucket{outcome="granted",le="+Inf"} 1\n');
    expect(text).to.include('holdfast_acquire_wait_seconds_sum{outcome="granted"} 0.003\n');
    expect(text).to.include(`# HELP holdfast_leases ${METRICS.holdfast_leases.summary}\n`);
    expect(text).to.include('holdfast_sessions{state="detached"} 1\n');
    expect(text).to.match(/^holdfast_event_loop_delay_seconds\{quantile="1"\} [\d.e-]+$/m);
  });

  it('answers other paths and methods without the metrics', async () => {
    expect((await get('/')).status).to.equal(404);
    expect((await get('/metrics?x=1')).status).to.equal(200);
    expect((await get('/metrics', { method: 'POST' })).status).to.equal(405);
  });

  it('rejects when its address is taken', async () => {
    const error = await serveMetrics([], { host: '127.0.0.1', port: endpoint.port }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ code: 'EADDRINUSE' });
  });
});
