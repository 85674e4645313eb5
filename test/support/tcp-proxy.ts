import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to bytes on their way in one direction. */
type Treatment =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** They vanish; the connection stays up. */
  | { readonly kind: 'swallow' };

/** A direction: `up` is from the client to the server. */
export type Direction = 'up' | 'down';

/** A TCP relay between a client and a server that can be slow, deaf or gone, each direction by itself. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #treatments: Record<Direction, Treatment> = { up: { kind: 'pass' }, down: { kind: 'pass' } };
  readonly #timers = new Set<NodeJS.Timeout>();
  #refusing = false;

  private constructor(private readonly target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((client) => this.#relay(client));
  }

  /** Begins to listen on a free port in front of `host:port`. */
  static async start(address: string): Promise<TcpProxy> {
    const at = address.lastIndexOf(':');
    const proxy = new TcpProxy({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on, for old and new connections alike. */
  treat(direction: Direction, treatment: Treatment): void {
    this.#treatments[direction] = treatment;
  }

  /** Resets every connection; new ones are taken unless `refuse` says otherwise. */
  cut(refuse = false): void {
    this.#refusing = refuse;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Takes connections again and passes everything. */
  heal(): void {
    this.#refusing = false;
    this.treat('up', { kind: 'pass' });
    this.treat('down', { kind: 'pass' });
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.target);
    this.#pipe(client, upstream, 'up');
    this.#pipe(upstream, client, 'down');
  }

  #pipe(from: Socket, to: Socket, direction: Direction): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (bytes) => this.#forward(bytes, to, direction));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  #forward(bytes: Buffer, to: Socket, direction: Direction): void {
    const treatment = this.#treatments[direction];
    switch (treatment.kind) {
      case 'pass':
        to.write(bytes);
        return;
      case 'delay': {
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          if (!to.destroyed) to.write(bytes);
        }, treatment.ms);
        this.#timers.add(timer);
        return;
      }
      case 'swallow':
        return;
    }
  }
}
