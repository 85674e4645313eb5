import type { handleUnaryCall, MethodDefinition } from '@grpc/grpc-js';
import type { Failure } from '../core/failure.js';
import { grpcStatus } from './failure-status.js';
import type { ReportDefect } from './rpc-settings.js';
import { strictReader } from './strict-reader.js';

/** What a call comes to. */
export type Answer<Response> = { readonly failure: Failure } | { readonly response: Response };

interface Codec<Message> {
  decode(reader: ReturnType<typeof strictReader>): Message;
}

/** A method whose requests arrive undecoded, so that bad ones get an answer that says what is wrong. */
export function undecoded<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Buffer, Response> {
  const { requestSerialize: _, ...rest } = method;
  return { ...rest, requestSerialize: (bytes) => bytes, requestDeserialize: (bytes) => bytes };
}

/** Serves a unary call: decodes its request strictly, and answers whatever happens. */
export function unaryCall<Request, Response>(
  name: string,
  codec: Codec<Request>,
  reportDefect: ReportDefect,
  answer: (request: Request) => Answer<Response> | Promise<Answer<Response>>,
): handleUnaryCall<Buffer, Response> {
  return async ({ request: bytes }, callback) => {
    try {
      const request = decoded(bytes, codec);
      const message = `The request could not be decoded; send protobuf of ${name}Request with text in UTF-8.`;
      const answered =
        request === undefined
          ? { failure: { reason: 'MESSAGE_UNDECODABLE', message } as const }
          : await answer(request);
      if ('failure' in answered) callback(grpcStatus(answered.failure));
      else callback(null, answered.response);
    } catch (error) {
      reportDefect(name, error);
      callback(grpcStatus({ reason: 'INTERNAL', message: 'The server made a mistake; its log has more.' }));
    }
  };
}

function decoded<Request>(bytes: Buffer, codec: Codec<Request>): Request | undefined {
  try {
    const reader = strictReader(bytes);
    const request = codec.decode(reader);
    return reader.pos === reader.len ? request : undefined;
  } catch {
    return undefined;
  }
}
