import type { RedlockConfig, ServerConfig } from '../config/server-config.js';
import type { Clock, LeaseStore } from '../core/ports.js';
import type { CoreMetrics } from '../telemetry/core-metrics.js';
import type { Logger } from '../telemetry/logger.js';
import type { MetricSource } from '../telemetry/metric-table.js';
import { NodeMetrics } from '../telemetry/node-metrics.js';
import { EXIT, StartRefused } from './exit-codes.js';
import { logNodeEvent } from './node-events.js';
import { redlockOptions } from './redlock-options.js';

/** What a store needs from the process around it. */
export interface StoreSurroundings {
  readonly serverId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CoreMetrics;
  /** The store has failed for good: only a new process can find out what it holds. */
  readonly onFailure: (error: Error) => void;
  /** The store turned out to be unusable as it is configured. */
  readonly onRefusal: (reason: string) => void;
}

/** A store, and what only it has to tell. */
export interface OpenedStore {
  readonly store: LeaseStore;
  readonly readings: MetricSource;
}

/** Opens the configured store; its code is loaded only now. Rejects with `StartRefused` when it cannot be had. */
export function openStore(config: ServerConfig, surroundings: StoreSurroundings): Promise<OpenedStore> {
  const { store } = config;
  switch (store.kind) {
    case 'embedded':
      return openEmbedded(store.directory, config, surroundings);
    case 'redlock':
      return openRedlock(store, config, surroundings);
  }
}

async function openEmbedded(
  directory: string,
  config: ServerConfig,
  { clock, metrics, onFailure }: StoreSurroundings,
): Promise<OpenedStore> {
  const { openEmbeddedStore } = await import('../store/embedded/open-embedded-store.js');
  const { StoreRefusedError } = await import('../store/embedded/store-refused-error.js');
  const { clockRateDrift, clockMarginMs } = config.core;
  try {
    const store = await openEmbeddedStore({
      directory,
      clock,
      clockRateDrift,
      clockMarginMs,
      onFailure,
      onCommit: ({ grants, tookMs }) => metrics.committed('embedded', grants, tookMs),
    });
    return { store, readings: () => [] };
  } catch (error) {
    if (!(error instanceof StoreRefusedError)) throw error;
    throw new StartRefused(error.message, EXIT.storeRefused, { cause: error });
  }
}

/** Does not wait for the nodes: the server listens meanwhile, and says what it is waiting for. */
async function openRedlock(
  settings: RedlockConfig,
  config: ServerConfig,
  { serverId, logger, onRefusal }: StoreSurroundings,
): Promise<OpenedStore> {
  const options = await redlockOptions(settings, config, serverId);
  const { openRedlockStore } = await import('../store/redlock/open-redlock-store.js');
  const { NODE_FAULTS, VOTES_AGAINST } = await import('../store/redlock/observed-node.js');
  const counts = new NodeMetrics(NODE_FAULTS, VOTES_AGAINST);
  const store = openRedlockStore({
    ...options,
    counts,
    events: {
      event: (event) => logNodeEvent(logger, event),
      fatal: onRefusal,
    },
  });
  const { nodes } = store;
  return { store, readings: () => counts.readings(nodes.report(), nodes.quorum) };
}
