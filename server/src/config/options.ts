import type { z } from 'zod';
import { clusterId, keyTemplate, redisNodes } from './redis-values.js';
import {
  directory,
  duration,
  fileOrNone,
  listenAddress,
  oneOf,
  onOff,
  percentage,
  tcpAddressOrOff,
  type ValueKind,
  wholeNumber,
} from './values.js';

/** One setting of the server. Its flag and environment variable follow from its name in `OPTIONS`. */
export interface OptionSpec<T> {
  readonly kind: ValueKind<T>;
  /** The default, written as a user would write it. */
  readonly fallback: string;
  readonly summary: string;
}

function option<T>(kind: ValueKind<T>, fallback: string, summary: string): OptionSpec<T> {
  return { kind, fallback, summary };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const DEFAULT_KEY_TEMPLATE = 'holdfast:{ns}:lock:{name}';

/**
 * Every setting, once. Help, environment names, validation, `--check` and the table in docs/operations.md come from
 * here. `OPTION_GROUPS` has the headings.
 */
export const OPTIONS = {
  listen: option(listenAddress(), '127.0.0.1:7420', 'Address of the gRPC service.'),
  insecure: option(
    onOff(),
    'false',
    'Serve anybody who can reach a non-loopback address, without encryption or identity.',
  ),
  metricsListen: option(tcpAddressOrOff(), '127.0.0.1:7421', 'Address of the Prometheus endpoint /metrics.'),
  keepaliveInterval: option(duration(SECOND, 2 * HOUR), '10s', 'Time between the pings of a connection.'),
  keepaliveTimeout: option(
    duration(100, 10 * MINUTE),
    '5s',
    'Drop a connection whose ping stays unanswered this long.',
  ),
  idleConnection: option(duration(SECOND, 24 * HOUR), '5m', 'Close a connection that has had no call for this long.'),
  maxConnectionAge: option(
    duration(0, 24 * HOUR),
    '0s',
    'Ask a client whose stream is this old, give or take a tenth, to move to a new connection; 0s: never.',
  ),
  slowReader: option(duration(SECOND, HOUR), '10s', 'End a stream that has read nothing for this long.'),

  store: option(oneOf(['embedded', 'redlock']), 'embedded', 'Where leases are made durable.'),
  dataDir: option(directory(), './.holdfast', 'Directory of the embedded store, used by one server at a time.'),

  redisNodes: option(redisNodes(), 'none', 'The independent Redis nodes of the redlock store; five are recommended.'),
  redisCluster: option(
    clusterId(),
    'default',
    'Name of the cluster in what its nodes keep; the same for all its servers.',
  ),
  redisKeyTemplate: option(
    keyTemplate(),
    DEFAULT_KEY_TEMPLATE,
    "Key of a lock; without {ns} the keys are shared with other libraries' clients, and only the namespace default is served.",
  ),
  redisForeignMaxTtl: option(
    duration(0, 24 * HOUR),
    '0s',
    "Longest time to live that other libraries' clients ask for where keys are shared with them.",
  ),
  redisWindow: option(
    duration(100, MINUTE),
    '5s',
    'A node takes no token that is further than this from its own clock.',
  ),
  redisNodeDeadline: option(
    duration(10, 10 * SECOND),
    '300ms',
    'A node that has not answered for this long has not voted; a tenth of the time to live if that is less.',
  ),
  redisCa: option(
    fileOrNone(),
    'none',
    'Certificates (PEM) to trust at rediss:// nodes, instead of those Node.js trusts.',
  ),
  redisCert: option(fileOrNone(), 'none', 'Certificate (PEM) to show to rediss:// nodes.'),
  redisKey: option(fileOrNone(), 'none', 'Private key (PEM) of that certificate.'),

  minTtl: option(duration(100, 24 * HOUR), '1s', 'Shortest time to live a client may ask for.'),
  defaultTtl: option(duration(100, 24 * HOUR), '30s', 'Time to live of a request that names none.'),
  maxTtl: option(duration(100, 24 * HOUR), '1m', 'Longest time to live a client may ask for.'),
  minValidityShare: option(
    percentage(0, 50),
    '10%',
    'A grant with less than this share of its time to live left is not delivered.',
  ),
  minValidity: option(duration(0, HOUR), '50ms', 'A grant with less than this left is not delivered.'),
  maxHeartbeatInterval: option(
    duration(10, 10 * MINUTE),
    '10s',
    'Longest interval between heartbeats; a sixth of the shortest time to live if that is less.',
  ),
  grace: option(duration(0, HOUR), '30s', 'How long a session without a stream keeps its places in the queues.'),
  clockDrift: option(percentage(0, 10), '1%', 'How far the rates of two clocks may be apart.'),
  clockMargin: option(duration(0, 10 * SECOND), '5ms', 'Taken off every validity told to a client.'),
  drainTimeout: option(duration(0, HOUR), '30s', 'How long streams may take to leave when they are asked to.'),

  maxConnections: option(wholeNumber(1, 1_000_000), '20000', 'Most connections at a time.'),
  maxStreamsPerConnection: option(wholeNumber(1, 100_000), '100', 'Most streams at a time on one connection.'),
  maxSessions: option(wholeNumber(1, 1_000_000), '10000', 'Most sessions at a time.'),
  maxRequestsPerSession: option(
    wholeNumber(1, 1_000_000),
    '20000',
    'Most leases and open requests of one session, together.',
  ),
  maxWaitersPerResource: option(wholeNumber(1, 1_000_000), '10000', 'Most requests waiting for one resource.'),
  maxNameBytes: option(wholeNumber(1, 1_024), '256', 'Longest name of a resource, in bytes of UTF-8.'),
  maxFramesPerMessage: option(wholeNumber(1, 65_536), '4096', 'Most frames in one message from a client.'),

  logLevel: option(oneOf(['debug', 'info', 'warn', 'error', 'fatal']), 'info', 'Least severity worth a log line.'),
  logFormat: option(
    oneOf(['auto', 'json', 'pretty']),
    'auto',
    'Format of the log on stderr; auto is pretty on a terminal and JSON lines elsewhere.',
  ),
} as const;

export type OptionName = keyof typeof OPTIONS;

/** Every setting's value. */
export type OptionValues = { readonly [K in OptionName]: z.output<(typeof OPTIONS)[K]['kind']['schema']> };

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** Headings over runs of options; each group begins at the option named and goes on to the next. */
export const OPTION_GROUPS: readonly { readonly heading: string; readonly first: OptionName }[] = [
  { heading: 'Network', first: 'listen' },
  { heading: 'Store', first: 'store' },
  { heading: 'Redis', first: 'redisNodes' },
  { heading: 'Time', first: 'minTtl' },
  { heading: 'Limits', first: 'maxConnections' },
  { heading: 'Log', first: 'logLevel' },
];

function words(name: OptionName): readonly string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

/** `--min-ttl` */
export function flagOf(name: OptionName): string {
  return `--${words(name).join('-')}`;
}

/** `HOLDFAST_MIN_TTL` */
export function environmentNameOf(name: OptionName): string {
  return `HOLDFAST_${words(name).join('_').toUpperCase()}`;
}

/** The heading an option stands under. */
export function groupOf(name: OptionName): string {
  let heading = '';
  for (const each of OPTION_NAMES) {
    heading = OPTION_GROUPS.find((group) => group.first === each)?.heading ?? heading;
    if (each === name) break;
  }
  return heading;
}
