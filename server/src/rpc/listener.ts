import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where to listen. Port 0 takes any free one. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Listening failed; the message says what to do about it. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** A socket that accepts connections and remembers them, so that they can be counted and ended. */
export class Listener {
  /** Resolves when it accepts no more and every connection is gone. */
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.closed = new Promise((resolve) => server.once('close', resolve));
  }

  /** Listens; `accept` gets each connection beyond which no more than `maxConnections` are open. */
  static async open(
    address: ListenAddress,
    maxConnections: number,
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    const server = createServer({ noDelay: true });
    server.maxConnections = maxConnections;
    const listener = new Listener(server);
    server.on('connection', (socket) => {
      listener.#connections.add(socket);
      socket.once('close', () => listener.#connections.delete(socket));
      accept(socket);
    });
    try {
      await listen(server, address).catch((error: unknown) => listenOverStaleSocket(server, address, error));
    } catch (error) {
      throw listenError(address, error);
    }
    return listener;
  }

  /** Where it listens, with the actual port. */
  get address(): ListenAddress {
    const address = this.#server.address();
    if (address === null) throw new Error('not listening');
    if (typeof address === 'string') return { kind: 'unix', path: address };
    return { kind: 'tcp', host: address.address, port: address.port };
  }

  /** Accepts no more connections. Those there are stay. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Cuts every connection; resolves when all are gone. */
  async destroy(): Promise<void> {
    this.stopAccepting();
    for (const socket of this.#connections) socket.destroy();
    await this.closed;
  }
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const options = address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path };
    server.listen(options, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** A process that was killed leaves its Unix socket behind. One that nobody answers is nobody's. */
async function listenOverStaleSocket(server: Server, address: ListenAddress, error: unknown): Promise<void> {
  if (address.kind !== 'unix' || codeOf(error) !== 'EADDRINUSE' || !(await isAbandoned(address.path))) throw error;
  await unlink(address.path);
  await listen(server, address);
}

function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  });
}

function listenError(address: ListenAddress, error: unknown): ListenError {
  return new ListenError(explain(address, codeOf(error), String(error)), { cause: error });
}

function explain(address: ListenAddress, code: string | undefined, otherwise: string): string {
  const place = address.kind === 'tcp' ? `port ${address.port} on ${address.host}` : `the socket ${address.path}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${place} is in use; stop the other process or choose another with --listen`;
    case 'EACCES':
    case 'ENOENT':
      return address.kind === 'tcp'
        ? `${place} may not be opened by this user; choose another with --listen`
        : `${place} cannot be made: its directory is missing or closed to this user; choose another with --listen`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${place} cannot be opened: the host is no address of this machine; choose another with --listen`;
    default:
      return `${place} cannot be opened: ${otherwise}`;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
