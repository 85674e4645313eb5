import { hostname } from 'node:os';
import { Client } from './client.js';
import { checkOptions, type OptionKeys } from './option-keys.js';
import { checkInteger, checkName, MAX_NAME_BYTES } from './options.js';
import type { SessionOptions } from './session/context.js';
import { KeepAlive, SystemClock } from './system-clock.js';
import { SystemRandom } from './system-random.js';
import { checkTargets } from './targets.js';
import { readFailure } from './transport/failure-details.js';
import { GrpcTransport } from './transport/grpc-transport.js';

/** What a client may be told. Durations are whole milliseconds. */
export interface ConnectOptions {
  /** What others see when this client holds what they wait for: 1 to 256 bytes. Default: host name and process id. */
  readonly name?: string | undefined;
  /** The tenant's space all names live in: 1 to 256 bytes. Default: `default`. */
  readonly namespace?: string | undefined;
  /** How long `connect` tries. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long one server may take to answer before another attempt is made. Default 3,000. */
  readonly attemptTimeoutMs?: number | undefined;
  /** The longest pause between attempts to reconnect; they begin at once and double. Default 2,000. */
  readonly maxBackoffMs?: number | undefined;
  /**
   * How long before the end of its validity a lease counts as lost and its signal aborts, so that its holder can wind
   * down. Default: 5 % of the TTL, at most 500. Never more than half the TTL.
   */
  readonly abortMarginMs?: number | undefined;
  /** How long a `tryAcquire`, or an `acquire` that does not wait, may take to be answered. Default 5,000. */
  readonly answerTimeoutMs?: number | undefined;
  /** How long `close` waits for the server's confirmation. Default 2,000. */
  readonly closeTimeoutMs?: number | undefined;
}

const CONNECT_OPTIONS: OptionKeys<ConnectOptions> = {
  name: true,
  namespace: true,
  connectTimeoutMs: true,
  attemptTimeoutMs: true,
  maxBackoffMs: true,
  abortMarginMs: true,
  answerTimeoutMs: true,
  closeTimeoutMs: true,
};
const MAX_MS = 2 ** 31 - 1;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connects to a Holdfast server, or to one of several that share their store.
 *
 * A target is `host:port`, `dns:///host:port`, `ipv4:host:port`, `ipv6:[host]:port` or `unix:/path`. With several,
 * the client moves to the next whenever one does not answer; its leases come along.
 *
 * An open client keeps the process alive through its connection; without one, only while an acquire, a lease, a release
 * or a connect is under way.
 *
 * @throws UnavailableError when no server answers within `connectTimeoutMs`.
 * @throws InvalidArgumentError, AccessDeniedError, ProtocolError when trying on would not help.
 */
export async function connect(targets: string | readonly string[], options?: ConnectOptions): Promise<Client> {
  const addresses = checkTargets(targets);
  const told = checkOptions('connect', options, CONNECT_OPTIONS);
  const sessionOptions = checked(told);
  const connectTimeoutMs = duration('connectTimeoutMs', told.connectTimeoutMs, DEFAULT_CONNECT_TIMEOUT_MS);
  const keepAlive = new KeepAlive();
  const ports = {
    clock: new SystemClock(),
    random: new SystemRandom(),
    transport: new GrpcTransport(addresses),
    readFailure,
    engaged: (engaged: boolean) => keepAlive.set(engaged),
  };
  const client = new Client(ports, sessionOptions);
  await client.open(connectTimeoutMs);
  return client;
}

function checked(options: ConnectOptions): SessionOptions {
  const { abortMarginMs, name = `${hostname()}/${process.pid}`, namespace } = options;
  return {
    clientName: checkName('name', name, MAX_NAME_BYTES, 'the client name'),
    namespace: namespace === undefined ? '' : checkName('namespace', namespace),
    abortMarginMs: abortMarginMs === undefined ? undefined : checkInteger('abortMarginMs', abortMarginMs, 0, MAX_MS),
    attemptTimeoutMs: duration('attemptTimeoutMs', options.attemptTimeoutMs, 3_000),
    maxBackoffMs: duration('maxBackoffMs', options.maxBackoffMs, 2_000),
    answerTimeoutMs: duration('answerTimeoutMs', options.answerTimeoutMs, 5_000),
    closeTimeoutMs: duration('closeTimeoutMs', options.closeTimeoutMs, 2_000),
  };
}

function duration(field: string, value: number | undefined, defaultMs: number): number {
  return checkInteger(field, value ?? defaultMs, 1, MAX_MS);
}
