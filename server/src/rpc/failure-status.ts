import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { ErrorInfo, ErrorReason, RetryInfo, Status } from '@holdfast/protocol';
import { type Failure, type FailureReason, failureCode } from '../core/failure.js';

/** The domain of every reason this server gives. */
export const ERROR_DOMAIN = 'holdfast';

const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';
const DETAILS_KEY = 'grpc-status-details-bin';

/** The wire's counterpart of each reason. A reason missing on either side does not compile, or fails a test. */
export const WIRE_REASONS: Readonly<Record<FailureReason, ErrorReason>> = {
  MESSAGE_UNDECODABLE: ErrorReason.ERROR_REASON_MESSAGE_UNDECODABLE,
  TOO_MANY_FRAMES: ErrorReason.ERROR_REASON_TOO_MANY_FRAMES,
  OPEN_EXPECTED: ErrorReason.ERROR_REASON_OPEN_EXPECTED,
  OPEN_REPEATED: ErrorReason.ERROR_REASON_OPEN_REPEATED,
  FRAME_ID_NOT_RISING: ErrorReason.ERROR_REASON_FRAME_ID_NOT_RISING,
  RESUME_MISPLACED: ErrorReason.ERROR_REASON_RESUME_MISPLACED,
  PROTOCOL_VERSION_UNSUPPORTED: ErrorReason.ERROR_REASON_PROTOCOL_VERSION_UNSUPPORTED,
  SESSION_SECRET_MISMATCH: ErrorReason.ERROR_REASON_SESSION_SECRET_MISMATCH,
  SESSION_SUPERSEDED: ErrorReason.ERROR_REASON_SESSION_SUPERSEDED,
  SLOW_READER: ErrorReason.ERROR_REASON_SLOW_READER,
  DRAINING: ErrorReason.ERROR_REASON_DRAINING,
  FIELD_INVALID: ErrorReason.ERROR_REASON_FIELD_INVALID,
  UNKNOWN_FRAME: ErrorReason.ERROR_REASON_UNKNOWN_FRAME,
  LIMIT_REACHED: ErrorReason.ERROR_REASON_LIMIT_REACHED,
  LEASE_LOST: ErrorReason.ERROR_REASON_LEASE_LOST,
  STORE_UNAVAILABLE: ErrorReason.ERROR_REASON_STORE_UNAVAILABLE,
  INTERNAL: ErrorReason.ERROR_REASON_INTERNAL,
  ORDER_REFUSED: ErrorReason.ERROR_REASON_ORDER_REFUSED,
  STORE_WITHOUT_NODES: ErrorReason.ERROR_REASON_STORE_WITHOUT_NODES,
};

/** A failure as `google.rpc.Status`: one ErrorInfo and, where trying again makes sense, one RetryInfo. */
export function wireStatus(failure: Failure): Status {
  const info = ErrorInfo.encode({ reason: failure.reason, domain: ERROR_DOMAIN, metadata: errorMetadata(failure) });
  const details = [{ typeUrl: ERROR_INFO_TYPE, value: Buffer.from(info.finish()) }];
  if (failure.retryAfterMs !== undefined) {
    const retry = RetryInfo.encode({ retryDelay: wireDuration(failure.retryAfterMs) });
    details.push({ typeUrl: RETRY_INFO_TYPE, value: Buffer.from(retry.finish()) });
  }
  return { code: status[failureCode(failure.reason)], message: wellFormed(failure.message), details };
}

/** A failure as the status a call ends with, its details in `grpc-status-details-bin`. */
export function grpcStatus(failure: Failure): StatusObject {
  const wire = wireStatus(failure);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode(wire).finish()));
  return { code: wire.code, details: wire.message, metadata };
}

function errorMetadata(failure: Failure): Record<string, string> {
  const metadata: Record<string, string> = {};
  if (failure.field !== undefined) metadata['field'] = failure.field;
  if (failure.value !== undefined) metadata['value'] = failure.value;
  if (failure.limit !== undefined) metadata['limit'] = failure.limit;
  return metadata;
}

function wireDuration(durationMs: number): { readonly seconds: bigint; readonly nanos: number } {
  const wholeMs = Math.max(0, Math.ceil(durationMs));
  return { seconds: BigInt(Math.floor(wholeMs / 1_000)), nanos: (wholeMs % 1_000) * 1_000_000 };
}

/** grpc-js percent-encodes the message of a status, which throws on half a surrogate pair. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
