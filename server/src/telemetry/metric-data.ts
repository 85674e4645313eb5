import { type HrTime, ValueType } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { METRICS, type MetricName, type MetricSource, type Reading } from './metric-table.js';

/** Hands the readings of all sources to an OpenTelemetry reader. */
export function metricProducer(sources: readonly MetricSource[], startMs: number): MetricProducer {
  return { collect: () => Promise.resolve(collect(sources, startMs)) };
}

function collect(sources: readonly MetricSource[], startMs: number): CollectionResult {
  const byMetric = new Map<MetricName, Reading[]>();
  for (const reading of sources.flatMap((source) => source())) {
    const series = byMetric.get(reading.metric);
    if (series === undefined) byMetric.set(reading.metric, [reading]);
    else series.push(reading);
  }
  const span = { startTime: hrTime(startMs), endTime: hrTime(Date.now()) };
  const metrics = [...byMetric].map(([name, series]) => metricData(name, series, span));
  const scope = { name: 'holdfast' };
  return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors: [] };
}

interface Span {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

function metricData(name: MetricName, series: readonly Reading[], span: Span): MetricData {
  const { type, summary } = METRICS[name];
  const descriptor = { name, description: summary, unit: '', valueType: ValueType.DOUBLE };
  const shared = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  switch (type) {
    case 'counter':
      return {
        ...shared,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: series.flatMap(numbers(span)),
      };
    case 'gauge':
      return { ...shared, dataPointType: DataPointType.GAUGE, dataPoints: series.flatMap(numbers(span)) };
    case 'histogram':
      return { ...shared, dataPointType: DataPointType.HISTOGRAM, dataPoints: series.flatMap(histograms(span)) };
  }
}

function numbers(span: Span) {
  return (reading: Reading) =>
    'value' in reading ? [{ ...span, attributes: { ...reading.labels }, value: reading.value }] : [];
}

function histograms(span: Span) {
  return (reading: Reading) => {
    if (!('histogram' in reading)) return [];
    const { bounds, counts, sum, count } = reading.histogram;
    const value: Histogram = { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count };
    return [{ ...span, attributes: { ...reading.labels }, value }];
  };
}

function hrTime(ms: number): HrTime {
  return [Math.trunc(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
}
