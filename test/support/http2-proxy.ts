import { once } from 'node:events';
import {
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** The greatest id: every stream there is goes on. */
const LAST_STREAM_ID = 2 ** 31 - 1;

/** A relay that speaks HTTP/2, as balancers before servers do, and can tell its clients to leave. */
export class Http2Proxy {
  readonly #server: Http2Server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();
  #connections = 0;

  private constructor(private readonly target: string) {
    this.#server.on('session', (session) => {
      this.#connections += 1;
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
    this.#server.on('stream', (stream, headers) => this.#relay(stream, headers));
  }

  /** Begins to listen on a free port in front of `host:port`. */
  static async start(target: string): Promise<Http2Proxy> {
    const proxy = new Http2Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections it has taken so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Says GOAWAY on every connection; the streams there are may go on. Resolves when they have ended by themselves. */
  async sayGoaway(): Promise<void> {
    const closed = [...this.#sessions].map((session) => once(session, 'close'));
    for (const session of this.#sessions) {
      session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_ID);
      session.close();
    }
    await Promise.all(closed);
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const session = connect(`http://${this.target}`);
    const upstream = session.request(headers);
    let trailers: IncomingHttpHeaders = {};
    upstream.on('response', (head) => stream.respond(head, { waitForTrailers: true }));
    upstream.on('trailers', (tail) => {
      trailers = tail;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('close', () => session.destroy());
    for (const each of [stream, upstream, session]) each.on('error', () => stream.destroy());
    stream.pipe(upstream);
    upstream.pipe(stream);
  }
}
