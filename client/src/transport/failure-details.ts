import { ErrorInfo, RetryInfo, Status } from '@holdfast/protocol';
import type { Failure } from '../session/ports.js';

const INTERNAL = 13;
const MS_PER_S = 1_000;
const NS_PER_MS = 1_000_000;

/** Takes apart what a `Failed` frame or a stream's status says. */
export function readFailure(status: Status | undefined): Failure {
  const info = detail(status, 'google.rpc.ErrorInfo', ErrorInfo);
  const delay = detail(status, 'google.rpc.RetryInfo', RetryInfo)?.retryDelay;
  return {
    statusCode: status?.code ?? INTERNAL,
    reason: info?.reason ?? '',
    message: status?.message || 'the server did not say why',
    field: info?.metadata['field'],
    value: info?.metadata['value'],
    limit: info?.metadata['limit'],
    retryAfterMs: delay === undefined ? undefined : Number(delay.seconds) * MS_PER_S + delay.nanos / NS_PER_MS,
  };
}

/** Takes apart the bytes of `grpc-status-details-bin`. */
export function readFailureBytes(bytes: Uint8Array): Failure | undefined {
  const status = decoded(Status, bytes);
  return status === undefined ? undefined : readFailure(status);
}

function detail<T>(status: Status | undefined, type: string, message: { decode(bytes: Uint8Array): T }): T | undefined {
  const found = status?.details.find(({ typeUrl }) => typeUrl.endsWith(`/${type}`));
  return found === undefined ? undefined : decoded(message, found.value);
}

/** `undefined` for bytes that are not what they should be: an error must not fail over its own details. */
function decoded<T>(message: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T | undefined {
  try {
    return message.decode(bytes);
  } catch {
    return undefined;
  }
}
