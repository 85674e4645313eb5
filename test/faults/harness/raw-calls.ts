import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { LeaseServiceService } from '@holdfast/protocol';

const SESSION = {
  ':method': 'POST',
  ':path': LeaseServiceService.session.path,
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** How the server ended a call. Without a status it did not: the stream was refused or reset, or its connection closed. */
export interface RawEnd {
  readonly status: string | undefined;
  readonly message: string;
}

/** A connection on which anything can be said. */
export class RawConnection {
  readonly #session: ClientHttp2Session;

  constructor(address: string) {
    this.#session = connect(`http://${address}`, { maxSendHeaderBlockLength: 2 ** 24, maxSessionMemory: 1_000 });
    this.#session.on('error', () => this.#session.destroy());
  }

  /** A call of the session stream by hand, read and not listened to. */
  call(headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
    const stream = this.#session.request({ ...SESSION, ...headers });
    stream.on('error', () => stream.destroy());
    return stream.resume();
  }

  /** Resolves when the server has had everything that was sent before. */
  async arrived(): Promise<void> {
    await new Promise<void>((resolve) => this.#session.ping(() => resolve()));
  }

  get isOver(): boolean {
    return this.#session.destroyed;
  }

  destroy(): void {
    this.#session.destroy();
  }
}

/** Begins to listen at once, and closes the call from this side, too, when the other has. */
export function endOf(stream: ClientHttp2Stream): Promise<RawEnd> {
  return new Promise((resolve) => {
    const hear = (headers: Record<string, unknown>): void => {
      const status = headers['grpc-status'];
      if (typeof status !== 'string') return;
      resolve({ status, message: decodeURIComponent(String(headers['grpc-message'] ?? '')) });
      stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.on('response', hear).on('trailers', hear);
    stream.once('close', () => resolve({ status: undefined, message: '' }));
  });
}

/** A message as gRPC frames it. @param says How long it says it is. Default: as long as it is. */
export function framed(body: Buffer, { packed = false, says = body.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = packed ? 1 : 0;
  prefix.writeUInt32BE(says, 1);
  return Buffer.concat([prefix, body]);
}
