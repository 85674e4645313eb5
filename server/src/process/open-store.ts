import type { ServerConfig } from '../config/server-config.js';
import type { Clock, LeaseStore } from '../core/ports.js';
import type { CoreMetrics } from '../telemetry/core-metrics.js';
import { EXIT, StartRefused } from './exit-codes.js';

/** What a store needs from the process around it. */
export interface StoreSurroundings {
  readonly clock: Clock;
  readonly metrics: CoreMetrics;
  /** The store has failed for good: only a new process can find out what it holds. */
  readonly onFailure: (error: Error) => void;
}

/** Opens the configured store; its code is loaded only now. Rejects with `StartRefused` when it cannot be had. */
export async function openStore(config: ServerConfig, surroundings: StoreSurroundings): Promise<LeaseStore> {
  const { openEmbeddedStore } = await import('../store/embedded/open-embedded-store.js');
  const { StoreRefusedError } = await import('../store/embedded/store-refused-error.js');
  const { clock, metrics, onFailure } = surroundings;
  const { clockRateDrift, clockMarginMs } = config.core;
  try {
    return await openEmbeddedStore({
      directory: config.store.directory,
      clock,
      clockRateDrift,
      clockMarginMs,
      onFailure,
      onCommit: ({ grants, tookMs }) => metrics.committed('embedded', grants, tookMs),
    });
  } catch (error) {
    if (!(error instanceof StoreRefusedError)) throw error;
    throw new StartRefused(error.message, EXIT.storeRefused, { cause: error });
  }
}
