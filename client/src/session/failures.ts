import {
  AccessDeniedError,
  HoldfastError,
  InvalidArgumentError,
  LimitReachedError,
  ProtocolError,
  ServerError,
  UnavailableError,
} from '../errors.js';
import type { Failure, StreamEnd } from './ports.js';

/** gRPC status codes, as far as they decide anything here. */
const STATUS = {
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unauthenticated: 16,
} as const;

/** The reason a transport gives when what answered is something else: a wrong port, or a proxy that is not ready yet. */
export const NOT_HOLDFAST = 'NOT_HOLDFAST';

/** Statuses of a stream that another attempt would meet again. */
const PERMANENT: ReadonlySet<number> = new Set([
  STATUS.invalidArgument,
  STATUS.permissionDenied,
  STATUS.failedPrecondition,
  STATUS.unimplemented,
  STATUS.unauthenticated,
]);

/** Reasons for which an acquire is worth repeating within its wait, and how soon if the server does not say. */
const RETRY_AFTER_MS: ReadonlyMap<string, number | undefined> = new Map([
  ['STORE_UNAVAILABLE', 200],
  ['DRAINING', 200],
  ['LIMIT_REACHED', undefined],
]);

/** How long to wait before the same acquire is sent again; `undefined` when that makes no sense. */
export function retryDelayMs(failure: Failure): number | undefined {
  if (!RETRY_AFTER_MS.has(failure.reason)) return undefined;
  return failure.retryAfterMs ?? RETRY_AFTER_MS.get(failure.reason);
}

/** Whether a stream that ended like this would end so again, whatever is tried. */
export function isPermanent({ statusCode }: StreamEnd): boolean {
  return PERMANENT.has(statusCode);
}

/** The error a caller sees for a request that failed. */
export function errorFromFailure(failure: Failure): HoldfastError {
  const { message, statusCode, ...details } = failure;
  switch (failure.reason) {
    case 'FIELD_INVALID':
      return new InvalidArgumentError(message, details);
    case 'LIMIT_REACHED':
      return new LimitReachedError(message, details);
    case 'STORE_UNAVAILABLE':
    case 'DRAINING':
    case 'SESSION_SUPERSEDED':
    case 'SLOW_READER':
      return new UnavailableError(message, details);
    case 'LEASE_LOST':
      return new HoldfastError('LEASE_LOST', message, false, details);
    case 'ORDER_REFUSED':
    case 'STORE_WITHOUT_NODES':
      return new HoldfastError('REFUSED', message, false, details);
    case 'SESSION_SECRET_MISMATCH':
      return new AccessDeniedError(message, details);
    case 'INTERNAL':
      return new ServerError(message, details);
    case NOT_HOLDFAST:
      return new ProtocolError(message);
    case '':
      return errorFromStatus(statusCode, message);
    default:
      return new ProtocolError(message, details);
  }
}

/** The error that says why a stream ended. */
export function errorFromEnd({ statusCode, message, failure }: StreamEnd): HoldfastError {
  return failure === undefined ? errorFromStatus(statusCode, message) : errorFromFailure(failure);
}

function errorFromStatus(statusCode: number, message: string): HoldfastError {
  switch (statusCode) {
    case STATUS.invalidArgument:
    case STATUS.failedPrecondition:
      return new ProtocolError(message);
    case STATUS.unimplemented:
      return new ProtocolError(`there is no Holdfast server at this address: ${message}`);
    case STATUS.permissionDenied:
    case STATUS.unauthenticated:
      return new AccessDeniedError(message);
    case STATUS.resourceExhausted:
      return new LimitReachedError(message);
    case STATUS.internal:
      return new ServerError(message);
    default:
      return new UnavailableError(message);
  }
}
