import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to bytes on their way in one direction. */
export type Treatment =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** They vanish; the connection stays up. */
  | { readonly kind: 'swallow' }
  /** They wait, and go on in order when the treatment is another: a cut that heals before anybody gives up. */
  | { readonly kind: 'hold' }
  /** So many bytes of each connection pass, then it is reset. */
  | { readonly kind: 'reset_after'; readonly bytes: number }
  /** A connection on which nothing came either way for so long is forgotten, as by a NAT: nothing passes any more. */
  | { readonly kind: 'forget_idle'; readonly ms: number };

/** A direction: `up` is from the client to the server. */
export type Direction = 'up' | 'down';

/** A TCP relay between a client and a server that can be slow, deaf or gone, each direction by itself. */
export class TcpProxy {
  readonly #server: Server;
  readonly #flows = new Set<Flow>();
  #forgotten = 0;
  readonly #treatments: Record<Direction, Treatment> = { up: { kind: 'pass' }, down: { kind: 'pass' } };
  #refusing = false;
  #asked = 0;

  private constructor(
    private readonly target: { readonly host: string; readonly port: number },
    private readonly host: string,
  ) {
    this.#server = createServer((client) => this.#relay(client));
  }

  /** Begins to listen on a free port of `host` in front of an address. */
  static async start(address: string, host = '127.0.0.1'): Promise<TcpProxy> {
    const at = address.lastIndexOf(':');
    const proxy = new TcpProxy({ host: address.slice(0, at), port: Number(address.slice(at + 1)) }, host);
    proxy.#server.listen(0, host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `${this.host}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on, for old and new connections alike. */
  treat(direction: Direction, treatment: Treatment): void {
    this.#treatments[direction] = treatment;
    for (const flow of this.#flows) if (flow.direction === direction) flow.treat(treatment);
  }

  /** Whether anything waits to be passed on. */
  get holdsBack(): boolean {
    return [...this.#flows].some(({ isEmpty }) => !isEmpty);
  }

  /** Resets every connection; new ones are taken unless `refuse` says otherwise. */
  cut(refuse = false): void {
    this.#refusing = refuse;
    for (const flow of this.#flows) flow.reset();
  }

  /** Connections it has been asked for so far, also those it refused. */
  get asked(): number {
    return this.#asked;
  }

  /** Connections it has forgotten so far for being idle. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Ends one direction of the connections there are, what it holds back included; the other goes on. */
  halfClose(direction: Direction): void {
    for (const flow of this.#flows) if (flow.direction === direction) flow.halfClose();
  }

  /** From now on nothing passes on the connections there are, though they stay up. New ones are as good as ever. */
  deafen(): void {
    for (const flow of this.#flows) flow.deafen();
  }

  /**
   * Ends the connections for their clients, but keeps what they have sent and what was not passed on, as a network may.
   * `deliver` lets it arrive, and resolves when the server has answered.
   */
  strand(): { deliver(): Promise<void> } {
    const stranded = [...this.#flows].filter((flow) => flow.strand());
    return {
      deliver: async () => {
        await Promise.all(stranded.map((flow) => flow.deliver()));
      },
    };
  }

  /** Takes connections again and passes everything. */
  heal(): void {
    this.#refusing = false;
    this.treat('up', { kind: 'pass' });
    this.treat('down', { kind: 'pass' });
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    this.#asked += 1;
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.target);
    const memory = new Memory(() => {
      this.#forgotten += 1;
    });
    this.#pipe(client, upstream, 'up', memory);
    this.#pipe(upstream, client, 'down', memory);
  }

  #pipe(from: Socket, to: Socket, direction: Direction, memory: Memory): void {
    const flow = new Flow(from, to, direction, this.#treatments[direction], memory);
    this.#flows.add(flow);
    from.setNoDelay(true);
    from.on('data', (bytes) => flow.take(bytes));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#flows.delete(flow);
      flow.close();
    });
  }
}

/** What both directions of a connection know of it. */
class Memory {
  isForgotten = false;
  #usedMs = performance.now();

  constructor(private readonly forgotten: () => void) {}

  /** Something comes. @param mostMs How long it is remembered without that. */
  used(mostMs: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#usedMs > mostMs && !this.isForgotten) {
      this.isForgotten = true;
      this.forgotten();
    }
    this.#usedMs = nowMs;
  }
}

/** One direction of one connection. What is not passed on at once waits in order. */
class Flow {
  readonly #waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #passed = 0;
  #deaf = false;
  #stranded = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    readonly direction: Direction,
    private treatment: Treatment,
    private readonly memory: Memory,
  ) {}

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  treat(treatment: Treatment): void {
    if (this.#stranded) return;
    this.treatment = treatment;
    this.#passed = 0;
    this.#forward();
  }

  deafen(): void {
    this.#deaf = true;
    this.#waiting.length = 0;
  }

  halfClose(): void {
    this.deafen();
    this.to.end();
  }

  take(bytes: Buffer): void {
    this.memory.used(this.treatment.kind === 'forget_idle' ? this.treatment.ms : Number.POSITIVE_INFINITY);
    if (this.#deaf || this.memory.isForgotten || this.treatment.kind === 'swallow') return;
    const delayMs = this.treatment.kind === 'delay' ? this.treatment.ms : 0;
    this.#waiting.push({ bytes, dueMs: performance.now() + delayMs });
    this.#forward();
  }

  /** False where nothing was held back. */
  strand(): boolean {
    if (this.direction !== 'up' || this.#waiting.length === 0) return false;
    this.#stranded = true;
    this.from.resetAndDestroy();
    return true;
  }

  async deliver(): Promise<void> {
    const answered = once(this.to, 'data');
    for (const { bytes } of this.#waiting.splice(0)) this.to.write(bytes);
    await answered;
    this.to.destroy();
  }

  reset(): void {
    this.from.resetAndDestroy();
  }

  close(): void {
    clearTimeout(this.#timer);
    if (!this.#stranded) this.to.destroy();
  }

  #forward(): void {
    clearTimeout(this.#timer);
    if (this.treatment.kind === 'hold') return;
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const earlyMs = next.dueMs - performance.now();
      if (earlyMs > 0) {
        this.#timer = setTimeout(() => this.#forward(), Math.ceil(earlyMs));
        return;
      }
      this.#waiting.shift();
      this.#write(next.bytes);
    }
  }

  #write(bytes: Buffer): void {
    if (this.to.destroyed) return;
    if (this.treatment.kind !== 'reset_after') {
      this.to.write(bytes);
      return;
    }
    const left = this.treatment.bytes - this.#passed;
    this.#passed += bytes.length;
    if (bytes.length <= left) this.to.write(bytes);
    else this.to.write(bytes.subarray(0, Math.max(0, left)), () => this.to.resetAndDestroy());
  }
}
