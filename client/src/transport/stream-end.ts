import type { StatusObject } from '@grpc/grpc-js';
import { NOT_HOLDFAST } from '../session/failures.js';
import type { Failure, StreamEnd } from '../session/ports.js';
import { readFailureBytes } from './failure-details.js';

/** How grpc-js reports a connection that did not come about: what went wrong, and notes that are of no use to people. */
const NO_CONNECTION =
  /^No connection established\. Last error: (?:Error: )?(.*?)(?: \(\d{4}-[\d-]+T[\d:.]+Z\))?\.?(?: Resolution note: (.*))?$/s;
/** It ends some other messages like this when it has nothing to note. */
const EMPTY_NOTE = /\.? Resolution note: $/;
/** The peer does not speak HTTP/2. */
const OTHER_PROTOCOL = /^Protocol error/;
/** The peer speaks HTTP/2, but not gRPC; what it sends is no message, or begins like one of absurd length. */
const NO_GRPC = /Call ended without gRPC status|^Received message larger than max/;

/** What the status of a call says; `answered` when something had been received on it. */
export function endOf(
  target: string,
  { code, details, metadata }: Pick<StatusObject, 'code' | 'details' | 'metadata'>,
  answered: boolean,
): StreamEnd {
  const [bytes] = metadata.get('grpc-status-details-bin');
  if (bytes instanceof Uint8Array) {
    return { statusCode: code, message: details, failure: readFailureBytes(bytes) };
  }
  const [, problem, note = ''] = NO_CONNECTION.exec(details) ?? [];
  const isOther = problem === undefined ? !answered && NO_GRPC.test(details) : OTHER_PROTOCOL.test(problem);
  if (isOther) return notHoldfast(target, code);
  const noted = note === '' ? '' : ` (${note})`;
  const message =
    problem === undefined ? details.replace(EMPTY_NOTE, '') : `no connection to ${target}: ${problem}${noted}`;
  return { statusCode: code, message, failure: undefined };
}

function notHoldfast(target: string, statusCode: number): StreamEnd {
  const message = `something answers at ${target}, but it is not a Holdfast server`;
  const unknown = { field: undefined, value: undefined, limit: undefined, retryAfterMs: undefined };
  const failure: Failure = { statusCode, reason: NOT_HOLDFAST, message, ...unknown };
  return { statusCode, message, failure };
}
