import type { Telemetry } from '../core/ports.js';
import { CoreMetrics } from './core-metrics.js';
import { coreTelemetry } from './core-telemetry.js';
import type { Logger } from './logger.js';
import type { Reading } from './metric-table.js';
import { EventLoopWatch, processReadings } from './process-metrics.js';
import type { Tracing } from './tracing.js';

/** Everything that observes a server. */
export interface ServerTelemetry {
  /** The core's port. */
  readonly port: Telemetry;
  readonly metrics: CoreMetrics;
  /** Everything this room knows to read; the core's sizes are not among it. */
  readings(): readonly Reading[];
  /** Sends what is buffered and stops watching. */
  close(): Promise<void>;
}

/** What is being observed. */
export interface Observed {
  readonly serverId: string;
  readonly version: string;
  readonly store: string;
  /** Told when the store stops and starts to answer. */
  readonly onStoreAvailable: (available: boolean) => void;
}

const TRACE_ENDPOINTS = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] as const;

/** Begins to observe. Traces are made only where the environment names a collector. */
export async function startTelemetry(
  observed: Observed,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
): Promise<ServerTelemetry> {
  const metrics = new CoreMetrics();
  const tracing = await tracingFor(observed.serverId, environment);
  const eventLoop = new EventLoopWatch((stalledMs) => {
    logger.log('event_loop_stalled', { stalledMs: Math.round(stalledMs) });
  });
  const { version, store } = observed;
  return {
    port: coreTelemetry(metrics, logger, tracing, observed.onStoreAvailable),
    metrics,
    readings: () => [
      ...metrics.readings(),
      ...eventLoop.readings(),
      ...processReadings(),
      { metric: 'holdfast_log_lines_dropped_total', labels: {}, value: logger.dropped() },
      { metric: 'holdfast_build_info', labels: { version, store }, value: 1 },
    ],
    close: async () => {
      eventLoop.stop();
      await tracing?.close();
    },
  };
}

async function tracingFor(serverId: string, environment: NodeJS.ProcessEnv): Promise<Tracing | undefined> {
  if (TRACE_ENDPOINTS.every((name) => (environment[name] ?? '') === '')) return undefined;
  const { startTracing } = await import('./tracing.js');
  return startTracing(serverId);
}
