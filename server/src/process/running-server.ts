import { flagOf } from '../config/options.js';
import type { ServerConfig } from '../config/server-config.js';
import type { ListenAddress } from '../config/values.js';
import type { LeaseStore } from '../core/ports.js';
import { ServerCore } from '../core/server-core.js';
import { uuidV7 } from '../core/uuid-v7.js';
import { createRpcServer, ListenError, type RpcServer } from '../rpc/index.js';
import { sizeReadings } from '../telemetry/core-metrics.js';
import type { Logger } from '../telemetry/logger.js';
import { type MetricsEndpoint, serveMetrics } from '../telemetry/metrics-endpoint.js';
import { type ServerTelemetry, startTelemetry } from '../telemetry/server-telemetry.js';
import { trafficReadings } from '../telemetry/traffic-metrics.js';
import { listenProblem } from './addresses.js';
import { EXIT, StartRefused } from './exit-codes.js';
import { NodeWatch } from './node-watch.js';
import { openStore } from './open-store.js';
import { StoreHealth } from './store-health.js';
import { elapsed, systemClock } from './system-clock.js';
import { systemRandom } from './system-random.js';
import { serverVersion } from './version.js';

/** How long the last spans may take to reach their collector. */
const LAST_SPANS_MS = 2_000;

/** A server that serves. */
export interface RunningServer {
  readonly serverId: string;
  readonly version: string;
  readonly address: ListenAddress;
  readonly metricsAddress: ListenAddress | undefined;
  /** Knows how the nodes of the store stand, where it has any. */
  readonly nodeWatch: NodeWatch | undefined;
  openStreams(): number;
  /**
   * Moves every stream elsewhere, ends those that have not left within the drain time-out, and lets go of everything.
   * Leases stay in the store.
   */
  drainAndStop(): Promise<void>;
}

/** What the server is made with besides its configuration. */
export interface ServerSurroundings {
  readonly logger: Logger;
  readonly environment: NodeJS.ProcessEnv;
  /** The store has failed for good; the process must end. */
  readonly onStoreFailure: (error: Error) => void;
  /** The store cannot be used as it was configured, as turned out after the start; the process must end. */
  readonly onStoreRefusal: (reason: string) => void;
}

/** Puts the parts together, from the inside out. Rejects with `StartRefused` when something outside is in the way. */
export async function startServer(
  config: ServerConfig,
  { logger, environment, onStoreFailure, onStoreRefusal }: ServerSurroundings,
): Promise<RunningServer> {
  const random = systemRandom();
  const serverId = uuidV7(systemClock, random);
  const version = serverVersion();
  let rpc: RpcServer | undefined;
  const health = new StoreHealth((available) => {
    telemetry.metrics.storeIsAvailable(available);
    rpc?.setStoreAvailable(available);
  });
  const observed = {
    serverId,
    version,
    store: config.store.kind,
    onStoreAvailable: (available: boolean) => health.answers(available),
  };
  const telemetry = await startTelemetry(observed, logger, environment);
  const { store, readings } = await openStore(config, {
    serverId,
    clock: systemClock,
    logger,
    metrics: telemetry.metrics,
    onFailure: onStoreFailure,
    onRefusal: onStoreRefusal,
  });
  const settings = { ...config.core, serverId };
  const core = new ServerCore(settings, { store, clock: systemClock, random, telemetry: telemetry.port });
  rpc = createRpcServer({
    core,
    nodes: store.nodes,
    clock: systemClock,
    random,
    settings: config.rpc,
    reportDefect: (where, error) => logger.log('defect', { where, error }),
  });
  const onGrantable = (grantable: boolean): void => health.grants(grantable);
  const nodeWatch = store.nodes && new NodeWatch(store.nodes, { clock: systemClock, logger, onGrantable });
  const { traffic } = rpc;
  const sizes = () => sizeReadings(core.sizes(), core.openStreams());
  const sources = [telemetry.readings, sizes, readings, () => trafficReadings(traffic)];
  // Metrics first: whoever can reach the service can then look at it, and a refusal comes before any client.
  const metrics = config.metricsListen && (await listenForMetrics(sources, config.metricsListen));
  const address = await listen(rpc, config.listen);
  const parts: Parts = { rpc, store, nodeWatch, telemetry, metrics };
  return {
    serverId,
    version,
    address,
    metricsAddress: config.metricsListen && metrics && { ...config.metricsListen, port: metrics.port },
    nodeWatch,
    openStreams: () => core.openStreams(),
    drainAndStop: () => drainAndStop(parts, config.drainTimeoutMs),
  };
}

interface Parts {
  readonly rpc: RpcServer;
  readonly store: LeaseStore;
  readonly nodeWatch: NodeWatch | undefined;
  readonly telemetry: ServerTelemetry;
  readonly metrics: MetricsEndpoint | undefined;
}

async function drainAndStop(
  { rpc, store, nodeWatch, telemetry, metrics }: Parts,
  drainTimeoutMs: number,
): Promise<void> {
  await rpc.shutdown(drainTimeoutMs);
  nodeWatch?.stop();
  await store.close();
  // A collector that does not answer must not keep the process from ending.
  await Promise.race([Promise.all([metrics?.close(), telemetry.close()]), elapsed(systemClock, LAST_SPANS_MS)]);
}

async function listen(rpc: RpcServer, address: ListenAddress): Promise<ListenAddress> {
  try {
    return await rpc.listen(address);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw new StartRefused(error.message, EXIT.failed, { cause: error });
  }
}

type MetricsAddress = NonNullable<ServerConfig['metricsListen']>;

async function listenForMetrics(
  sources: Parameters<typeof serveMetrics>[0],
  address: MetricsAddress,
): Promise<MetricsEndpoint> {
  try {
    return await serveMetrics(sources, address);
  } catch (error) {
    throw new StartRefused(listenProblem(error, address, flagOf('metricsListen')), EXIT.failed, { cause: error });
  }
}
