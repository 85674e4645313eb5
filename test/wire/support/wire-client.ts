import { randomBytes } from 'node:crypto';
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  type ClientFrame,
  ErrorInfo,
  RetryInfo,
  type ServerFrame,
  SessionRequest,
  SessionResponse,
  Status,
} from '@holdfast/protocol';

const PATH = '/holdfast.v1.LeaseService/Session';
/** Longer than anything a test waits for; a test that needs it has failed. */
const DEADLINE_MS = 5_000;

export type FrameKind = NonNullable<ClientFrame['kind']>;

/** How a call ended, with the details of its status taken apart. */
export interface CallEnd {
  readonly code: string;
  readonly message: string;
  readonly infos: readonly ErrorInfo[];
  readonly retries: readonly RetryInfo[];
}

/** A session stream by hand: sends bytes or frames, and keeps what comes back. */
export class WireStream {
  readonly frames: ServerFrame[] = [];
  /** How many frames each message carried. */
  readonly messages: number[] = [];
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  #end: CallEnd | undefined;
  readonly #changed: (() => void)[] = [];

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.call = call;
    call.on('data', (message: Buffer) => {
      const { frames } = SessionResponse.decode(message);
      this.messages.push(frames.length);
      this.frames.push(...frames);
      this.#tell();
    });
    call.on('error', (error: ServiceError) => this.#over(error));
    call.on('status', (final: ServiceError) => this.#over(final));
  }

  write(...frames: readonly { readonly id: number; readonly kind: FrameKind | undefined }[]): void {
    const request = { frames: frames.map(({ id, kind }) => ({ id: BigInt(id), kind })) };
    this.call.write(Buffer.from(SessionRequest.encode(request).finish()));
  }

  writeRaw(bytes: Uint8Array): void {
    this.call.write(Buffer.from(bytes));
  }

  /** The first frame that fits, now or when it comes. */
  frame(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    return this.#until('a frame', () => this.frames.find(fits));
  }

  answer(id: number): Promise<ServerFrame> {
    return this.frame((frame) => frame.id === BigInt(id));
  }

  /** How it has ended; `undefined` while it goes on. */
  get end(): CallEnd | undefined {
    return this.#end;
  }

  ended(): Promise<CallEnd> {
    return this.#until('the end of the call', () => this.#end);
  }

  #over({ code, details, metadata }: Pick<ServiceError, 'code' | 'details' | 'metadata'>): void {
    const [bytes] = metadata.get('grpc-status-details-bin');
    const inDetail = Status.decode(bytes instanceof Buffer ? bytes : Buffer.alloc(0));
    this.#end ??= { code: status[code], message: details, ...detailsOf(inDetail) };
    this.#tell();
  }

  #tell(): void {
    for (const tell of this.#changed.splice(0)) tell();
  }

  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const late = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (late.aborted) throw new Error(`no sign of ${what}; the call ended with ${JSON.stringify(this.#end)}`);
      await new Promise<void>((resolve) => {
        this.#changed.push(resolve);
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

/** A client that knows only paths and bytes. */
export class WireClient {
  readonly client: Client;

  constructor(target: string, options: Record<string, number | string> = {}) {
    this.client = new Client(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, ...options });
  }

  session(): WireStream {
    const raw = (bytes: Buffer): Buffer => bytes;
    return new WireStream(this.client.makeBidiStreamRequest(PATH, raw, raw));
  }

  /** A stream that has been opened, with its first answer seen. */
  async openSession(): Promise<WireStream> {
    const stream = this.session();
    stream.write({ id: 1, kind: open() });
    await stream.answer(1);
    return stream;
  }

  close(): void {
    this.client.close();
  }
}

/** The details of a status, by type. */
export function detailsOf({ details }: Status): Pick<CallEnd, 'infos' | 'retries'> {
  const of = (name: string): readonly Buffer[] =>
    details.filter(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`).map(({ value }) => value);
  return {
    infos: of('ErrorInfo').map((value) => ErrorInfo.decode(value)),
    retries: of('RetryInfo').map((value) => RetryInfo.decode(value)),
  };
}

export function open(differs: { readonly sessionSecret?: Buffer } = {}): FrameKind {
  return {
    $case: 'open',
    value: {
      protocolVersion: 1,
      sessionId: `01923456-789a-7abc-8def-${randomBytes(6).toString('hex')}`,
      sessionSecret: randomBytes(16),
      clientName: 'wire test',
      namespace: '',
      resume: false,
      ...differs,
    },
  };
}

export function acquire(
  name: string,
  differs: { readonly secret?: Buffer; readonly earlierSecrets?: Buffer[] } = {},
): FrameKind {
  return {
    $case: 'acquire',
    value: {
      resources: [{ name }],
      waitMs: 0n,
      secret: randomBytes(16),
      earlierSecrets: [],
      manualExtension: false,
      traceparent: '',
      tracestate: '',
      ...differs,
    },
  };
}
