import { resolve } from 'node:path';
import type { CoreSettings } from '../core/session-api.js';
import type { OptionValues } from './options.js';
import type { ListenAddress } from './values.js';

/** Everything the server is made with, in the shape each part takes it. Durations in milliseconds. */
export interface ServerConfig {
  readonly listen: ListenAddress;
  readonly insecure: boolean;
  readonly metricsListen: Extract<ListenAddress, { kind: 'tcp' }> | undefined;
  readonly rpc: {
    readonly keepaliveIntervalMs: number;
    readonly keepaliveTimeoutMs: number;
    readonly idleConnectionMs: number;
    readonly slowReaderMs: number;
    readonly maxConnections: number;
    readonly maxStreamsPerConnection: number;
  };
  readonly store: { readonly kind: 'embedded'; readonly directory: string };
  readonly core: Omit<CoreSettings, 'serverId'>;
  readonly drainTimeoutMs: number;
  readonly log: {
    readonly level: OptionValues['logLevel'];
    readonly format: OptionValues['logFormat'];
  };
}

/** Fixed by the protocol: a message of the session stream is at most this long. */
const MAX_MESSAGE_BYTES = 64 * 1_024;

/** Shapes the settings for the parts that use them. The data directory becomes absolute. */
export function serverConfig(values: OptionValues): ServerConfig {
  return {
    listen: values.listen,
    insecure: values.insecure,
    metricsListen: values.metricsListen,
    rpc: {
      keepaliveIntervalMs: values.keepaliveInterval,
      keepaliveTimeoutMs: values.keepaliveTimeout,
      idleConnectionMs: values.idleConnection,
      slowReaderMs: values.slowReader,
      maxConnections: values.maxConnections,
      maxStreamsPerConnection: values.maxStreamsPerConnection,
    },
    store: { kind: values.store, directory: resolve(values.dataDir) },
    core: {
      limits: {
        minTtlMs: values.minTtl,
        maxTtlMs: values.maxTtl,
        defaultTtlMs: values.defaultTtl,
        maxNameBytes: values.maxNameBytes,
        maxMessageBytes: MAX_MESSAGE_BYTES,
        maxFramesPerMessage: values.maxFramesPerMessage,
        maxRequestsPerSession: values.maxRequestsPerSession,
        graceMs: values.grace,
      },
      clockRateDrift: values.clockDrift,
      clockMarginMs: values.clockMargin,
      minValidityShare: values.minValidityShare,
      minValidityMs: values.minValidity,
      maxSessions: values.maxSessions,
      maxWaitersPerResource: values.maxWaitersPerResource,
      maxHeartbeatIntervalMs: values.maxHeartbeatInterval,
    },
    drainTimeoutMs: values.drainTimeout,
    log: { level: values.logLevel, format: values.logFormat },
  };
}
