/**
 * The client of the Holdfast lease server: distributed locks as values you dispose.
 *
 * ```ts
 * await using client = await connect('localhost:7420', { name: 'invoicer' });
 * await using lease = await client.acquire('orders/42', { ttlMs: 30_000, waitMs: 5_000 });
 * ```
 */
export type { AcquireOptions, Client, TryAcquireOptions } from './client.js';
export { type ConnectOptions, connect } from './connect.js';
export {
  AccessDeniedError,
  ClientClosedError,
  type ErrorCode,
  type HolderInfo,
  HoldfastError,
  InvalidArgumentError,
  LeaseLostError,
  LimitReachedError,
  type LossCause,
  ProtocolError,
  ServerError,
  UnavailableError,
  WaitTimeoutError,
} from './errors.js';
export type { Lease, LeaseJson } from './lease.js';
export type { ReleaseOutcome, ReleaseResult } from './session/claim.js';
export type { LeaseState } from './session/held-lease.js';
export type { ClientState } from './session/session.js';
