/** Names of `holdfast.v1.ErrorReason` values, without their prefix. */
export type FailureReason =
  | 'MESSAGE_UNDECODABLE'
  | 'TOO_MANY_FRAMES'
  | 'OPEN_EXPECTED'
  | 'OPEN_REPEATED'
  | 'FRAME_ID_NOT_RISING'
  | 'RESUME_MISPLACED'
  | 'PROTOCOL_VERSION_UNSUPPORTED'
  | 'SESSION_SECRET_MISMATCH'
  | 'SESSION_SUPERSEDED'
  | 'SLOW_READER'
  | 'DRAINING'
  | 'FIELD_INVALID'
  | 'UNKNOWN_FRAME'
  | 'LIMIT_REACHED'
  | 'LEASE_LOST'
  | 'STORE_UNAVAILABLE'
  | 'INTERNAL'
  | 'ORDER_REFUSED'
  | 'STORE_WITHOUT_NODES';

/** Names of gRPC status codes. */
export type FailureCode =
  | 'INVALID_ARGUMENT'
  | 'FAILED_PRECONDITION'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'ABORTED'
  | 'UNAVAILABLE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL';

/** Why a request failed or a stream ends: one message for people, the rest for programs. */
export interface Failure {
  readonly reason: FailureReason;
  /** One sentence that names what is wrong and what would be right. */
  readonly message: string;
  /** The field at fault, by its name on the wire. */
  readonly field?: string;
  /** Its value, shortened if long. Never a secret. */
  readonly value?: string;
  /** What would be allowed. */
  readonly limit?: string;
  /** When trying again makes sense. */
  readonly retryAfterMs?: number;
}

const CODES: Readonly<Record<FailureReason, FailureCode>> = {
  MESSAGE_UNDECODABLE: 'INVALID_ARGUMENT',
  TOO_MANY_FRAMES: 'INVALID_ARGUMENT',
  OPEN_EXPECTED: 'INVALID_ARGUMENT',
  OPEN_REPEATED: 'INVALID_ARGUMENT',
  FRAME_ID_NOT_RISING: 'INVALID_ARGUMENT',
  RESUME_MISPLACED: 'INVALID_ARGUMENT',
  PROTOCOL_VERSION_UNSUPPORTED: 'FAILED_PRECONDITION',
  SESSION_SECRET_MISMATCH: 'PERMISSION_DENIED',
  SESSION_SUPERSEDED: 'ABORTED',
  SLOW_READER: 'RESOURCE_EXHAUSTED',
  DRAINING: 'UNAVAILABLE',
  FIELD_INVALID: 'INVALID_ARGUMENT',
  UNKNOWN_FRAME: 'UNIMPLEMENTED',
  LIMIT_REACHED: 'RESOURCE_EXHAUSTED',
  LEASE_LOST: 'FAILED_PRECONDITION',
  STORE_UNAVAILABLE: 'UNAVAILABLE',
  INTERNAL: 'INTERNAL',
  ORDER_REFUSED: 'FAILED_PRECONDITION',
  STORE_WITHOUT_NODES: 'UNIMPLEMENTED',
};

/** The gRPC status code that goes with a reason. */
export function failureCode(reason: FailureReason): FailureCode {
  return CODES[reason];
}

/** A value as it may appear in an error: quoted, control characters escaped, at most 64 characters. */
export function printable(value: string): string {
  const short = value.length > 64 ? `${value.slice(0, 61)}...` : value;
  return JSON.stringify(short);
}
