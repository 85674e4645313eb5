import type { handleBidiStreamingCall, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { LeaseServiceService } from '@holdfast/protocol';
import type { Failure } from '../core/failure.js';
import { grpcStatus } from './failure-status.js';
import type { OpenCalls } from './open-calls.js';
import type { RpcSettings } from './rpc-settings.js';
import { type SessionCall, SessionStream, type SessionStreamParts } from './session-stream.js';
import type { StreamAge } from './stream-age.js';

type RawCall = ServerDuplexStream<Buffer, Buffer>;

const raw = (bytes: Buffer): Buffer => bytes;

/**
 * The service without its codecs: grpc-js answers INTERNAL when a generated decoder throws, and encodes a message a
 * call. Bytes go through as they are.
 */
export const LEASE_SERVICE = {
  session: {
    ...LeaseServiceService.session,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
} as const satisfies ServiceDefinition;

/** Serves `LeaseService.Session`: one `SessionStream` a call. */
export function leaseService(
  parts: SessionStreamParts,
  calls: OpenCalls,
  age: StreamAge,
  settings: Pick<RpcSettings, 'maxStreams'>,
): { readonly session: handleBidiStreamingCall<Buffer, Buffer> } {
  return {
    session: (call) => {
      // Counted until the transport is done with it, not until the core is: an ended stream that nobody reads remains.
      call.once('cancelled', calls.opened());
      if (calls.count > settings.maxStreams) {
        finish(call, tooManyStreams(settings.maxStreams));
        call.resume();
        return;
      }
      const stream = new SessionStream(sessionCall(call), parts);
      attach(call, stream);
      call.once('cancelled', age.watch(stream));
    },
  };
}

function attach(call: RawCall, stream: SessionStream): void {
  call.on('data', (message: Buffer) => stream.received(message));
  call.on('end', () => stream.halfClosed());
  // grpc-js itself turns an error of the call into a status; either way `cancelled` follows.
  call.on('cancelled', () => stream.gone());
}

function sessionCall(call: RawCall): SessionCall {
  return {
    write: (message, written) => void call.write(message, written),
    finish: (failure) => finish(call, failure),
  };
}

/** In grpc-js an `error` event ends a call with a status, after everything written. */
function finish(call: RawCall, failure: Failure | undefined): void {
  if (failure === undefined) call.end();
  else call.emit('error', grpcStatus(failure));
}

function tooManyStreams(maxStreams: number): Failure {
  return {
    reason: 'LIMIT_REACHED',
    message: `The server has ${maxStreams} open streams, as many as it allows; use another server, or this one later.`,
    field: 'streams',
    value: `more than ${maxStreams}`,
    limit: `at most ${maxStreams}`,
    retryAfterMs: 1_000,
  };
}
