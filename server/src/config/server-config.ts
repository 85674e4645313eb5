import { resolve } from 'node:path';
import type { CoreSettings } from '../core/session-api.js';
import type { OptionValues } from './options.js';
import type { RedisNodeSetting } from './redis-values.js';
import type { ListenAddress } from './values.js';

/** How leases are made durable. Durations in milliseconds. */
export type StoreConfig =
  | { readonly kind: 'embedded'; readonly directory: string }
  | ({ readonly kind: 'redlock' } & RedlockConfig);

export interface RedlockConfig {
  readonly nodes: readonly RedisNodeSetting[];
  readonly clusterId: string;
  /** See `keyTemplate`. */
  readonly keyTemplate: string;
  /** 0 where nobody else uses the keys. */
  readonly foreignMaxTtlMs: number;
  readonly windowMs: number;
  readonly nodeDeadlineMs: number;
  /** Paths, as they were written. */
  readonly tls: {
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  };
}

/** Everything the server is made with, in the shape each part takes it. Durations in milliseconds. */
export interface ServerConfig {
  readonly listen: ListenAddress;
  readonly insecure: boolean;
  readonly metricsListen: Extract<ListenAddress, { kind: 'tcp' }> | undefined;
  readonly rpc: {
    readonly keepaliveIntervalMs: number;
    readonly keepaliveTimeoutMs: number;
    readonly idleConnectionMs: number;
    readonly maxConnectionAgeMs: number;
    readonly moveWithinMs: number;
    readonly slowReaderMs: number;
    readonly maxConnections: number;
    readonly maxStreamsPerConnection: number;
  };
  readonly store: StoreConfig;
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
      maxConnectionAgeMs: values.maxConnectionAge === 0 ? Infinity : values.maxConnectionAge,
      moveWithinMs: values.drainTimeout,
      slowReaderMs: values.slowReader,
      maxConnections: values.maxConnections,
      maxStreamsPerConnection: values.maxStreamsPerConnection,
    },
    store: storeConfig(values),
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

function storeConfig(values: OptionValues): StoreConfig {
  switch (values.store) {
    case 'embedded':
      return { kind: 'embedded', directory: resolve(values.dataDir) };
    case 'redlock':
      return {
        kind: 'redlock',
        nodes: values.redisNodes,
        clusterId: values.redisCluster,
        keyTemplate: values.redisKeyTemplate,
        foreignMaxTtlMs: values.redisForeignMaxTtl,
        windowMs: values.redisWindow,
        nodeDeadlineMs: values.redisNodeDeadline,
        tls: { ca: values.redisCa, cert: values.redisCert, key: values.redisKey },
      };
  }
}
