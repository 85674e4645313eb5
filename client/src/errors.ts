/** What may be known of an error besides its message. */
export interface ErrorDetails {
  /** The server's reason: the name of an `ErrorReason` value of the protocol. */
  readonly reason?: string | undefined;
  /** The field at fault. */
  readonly field?: string | undefined;
  /** Its value, shortened if long. */
  readonly value?: string | undefined;
  /** What would be allowed. */
  readonly limit?: string | undefined;
  /** When trying again makes sense, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** What led to it. */
  readonly cause?: unknown;
}

/** The stable codes of this library's errors. */
export type ErrorCode =
  | 'WAIT_TIMEOUT'
  | 'LEASE_LOST'
  | 'UNAVAILABLE'
  | 'LIMIT_REACHED'
  | 'INVALID_ARGUMENT'
  | 'ACCESS_DENIED'
  | 'PROTOCOL'
  | 'SERVER'
  | 'REFUSED'
  | 'CLIENT_CLOSED';

/** Base of every error this library makes. Programs look at `code`, people at `message`. */
export class HoldfastError extends Error {
  /** Stable; see the subclasses. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean;
  /** The server's reason: the name of an `ErrorReason` value of the protocol, where a server refused something. */
  readonly reason: string | undefined;
  /** The field or option at fault. */
  readonly field: string | undefined;
  /** Its value, shortened if long. */
  readonly value: string | undefined;
  /** What would be allowed. */
  readonly limit: string | undefined;
  /** When trying again makes sense, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, retryable: boolean, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = retryable;
    this.reason = details.reason;
    this.field = details.field;
    this.value = details.value;
    this.limit = details.limit;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Who holds a resource, as far as a server said. */
export interface HolderInfo {
  /** The holder's lease. */
  readonly leaseId: string;
  /** The holder's client name; `undefined` when another server granted its lease. */
  readonly clientName: string | undefined;
  /** How long it has held the resource, in milliseconds; `undefined` when not known. */
  readonly heldMs: number | undefined;
}

/** `WAIT_TIMEOUT`: the resource was not free within `waitMs`. Nothing is held, and nothing waits any more. */
export class WaitTimeoutError extends HoldfastError {
  constructor(
    message: string,
    /** Who held it when last heard of; `undefined` when not known. */
    readonly holder: HolderInfo | undefined,
    /** The place in the queue when last heard of, from 1; `undefined` when not known. */
    readonly position: number | undefined,
    details?: ErrorDetails,
  ) {
    super('WAIT_TIMEOUT', message, true, details);
  }
}

/**
 * How a lease came to an end that its holder did not ask for: `deadline` = no extension came in time, as judged by the
 * local clocks; `expired` and `displaced` = the server said so; `released` = it was given back before; `closed` = its
 * client was closed.
 */
export type LossCause = 'deadline' | 'expired' | 'displaced' | 'released' | 'closed';

/** `LEASE_LOST`: the lease cannot be relied on (any more). It never comes back; acquire again. */
export class LeaseLostError extends HoldfastError {
  constructor(
    message: string,
    /** The resource. */
    readonly resource: string,
    /** The lease. */
    readonly leaseId: string,
    /** How it ended. */
    readonly how: LossCause,
    details?: ErrorDetails,
  ) {
    super('LEASE_LOST', message, false, { reason: 'LEASE_LOST', ...details });
  }
}

/** `UNAVAILABLE`: no server, or no store behind it, could answer. Worth trying again, after `retryAfterMs` if given. */
export class UnavailableError extends HoldfastError {
  constructor(message: string, details?: ErrorDetails) {
    super('UNAVAILABLE', message, true, details);
  }
}

/** `LIMIT_REACHED`: a bound of the server is reached; `field` names what there is too much of, `limit` the bound. */
export class LimitReachedError extends HoldfastError {
  constructor(message: string, details?: ErrorDetails) {
    super('LIMIT_REACHED', message, true, details);
  }
}

/** `INVALID_ARGUMENT`: a value is not allowed; `field`, `value` and `limit` say which and what would be. */
export class InvalidArgumentError extends HoldfastError {
  constructor(message: string, details?: ErrorDetails) {
    super('INVALID_ARGUMENT', message, false, details);
  }
}

/** `ACCESS_DENIED`: the server does not serve this client. */
export class AccessDeniedError extends HoldfastError {
  constructor(message: string, details?: ErrorDetails) {
    super('ACCESS_DENIED', message, false, details);
  }
}

/** `PROTOCOL`: client and server do not understand each other: other versions, or no Holdfast server at all. */
export class ProtocolError extends HoldfastError {
  constructor(message: string, details?: ErrorDetails) {
    super('PROTOCOL', message, false, details);
  }
}

/** `SERVER`: a defect of the server; its log says more. */
export class ServerError extends HoldfastError {
  constructor(message: string, details?: ErrorDetails) {
    super('SERVER', message, true, details);
  }
}

/** `CLIENT_CLOSED`: the client was closed, before the call or during it. */
export class ClientClosedError extends HoldfastError {
  constructor(message = 'the client is closed') {
    super('CLIENT_CLOSED', message, false);
  }
}
