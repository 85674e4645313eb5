import type { Telemetry } from '../core/ports.js';
import type { CoreMetrics } from './core-metrics.js';
import { logEvent } from './event-log.js';
import type { Logger } from './logger.js';
import type { Tracing } from './tracing.js';

/** What the core says goes to the metrics, the log and, where there is a collector, the traces. */
export function coreTelemetry(
  metrics: CoreMetrics,
  logger: Logger,
  tracing: Tracing | undefined,
  onStoreAvailable: (available: boolean) => void,
): Telemetry {
  const storeAvailable = (available: boolean): void => {
    metrics.storeIsAvailable(available);
    onStoreAvailable(available);
  };
  return {
    acquireStarted: tracing === undefined ? () => undefined : tracing.acquireStarted,
    acquireEnded: (outcome, waitedMs) => metrics.acquireEnded(outcome, waitedMs),
    leaseEnded: (end, heldMs, marginMs) => metrics.leaseEnded(end, heldMs, marginMs),
    extended: (leases) => metrics.extended(leases),
    resumed: (outcome) => metrics.resumed(outcome),
    storeCalled: (verb, entries, tookMs) => metrics.storeCalled(verb, entries, tookMs),
    failed: (reason) => metrics.failed(reason),
    event: (event) => {
      if (event.kind === 'store_unavailable') storeAvailable(false);
      if (event.kind === 'store_available') storeAvailable(true);
      logEvent(logger, event);
    },
  };
}
