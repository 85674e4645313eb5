import type { ClientFrame as WireClientFrame } from '@holdfast/protocol';
import { SessionRequest, SessionResponse } from '@holdfast/protocol';
import type { StreamHandler as ClientHandler, Stream, StreamEnd } from '../../client/src/session/ports.js';
import { type Failure, failureCode } from '../../server/src/core/failure.js';
import type { ServerFrame } from '../../server/src/core/frames.js';
import type { ServerCoreApi, StreamHandler as ServerHandler, StreamPort } from '../../server/src/core/session-api.js';
import { decodeMessage } from '../../server/src/rpc/frame-decoder.js';
import { encodeMessage } from '../../server/src/rpc/frame-encoder.js';
import type { AnswerWatch } from '../history/answer-watch.js';
import type { QueueWatch } from '../history/queue-watch.js';
import type { SimProcess } from './sim-process.js';

const STATUS_CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 3,
  FAILED_PRECONDITION: 9,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
};
export const UNREACHABLE: StreamEnd = { statusCode: 14, message: 'connection lost', failure: undefined };
const MAX_FRAMES = 4_096;

/** What the server end of the network needs to know of the server: whether it runs, and its core. */
export interface Reachable {
  readonly process: SimProcess;
  readonly core: ServerCoreApi | undefined;
}

/** Which way messages are lost: from client to server, from server to client, or both. */
export type Direction = 'up' | 'down' | 'both';

/** What a stream needs of the network it runs through. */
export interface Wires {
  /** A broken rule, for control runs: to the server a broken stream looks as if its client had said Close. */
  readonly closesOnBreak: boolean;
  /** Looks on at what servers take and say. */
  readonly watch: QueueWatch;
  readonly answers: AnswerWatch;
  arrivalMs(): number;
  /** What happens when a keepalive runs out. */
  later(run: () => void): void;
  /** An end has let go of it. */
  forget(connection: Connection): void;
  /** Whether a client says nothing of what it gives back. */
  isForgetful(client: SimProcess): boolean;
  delivered(client: SimProcess): void;
}

/** One stream between a client and the server, each direction with a delay of its own, in order. */
export class Connection implements Stream {
  /** Messages vanish in these directions, and nobody is told: a cable was pulled. */
  losesUp = false;
  losesDown = false;
  #serverSide: ServerHandler | undefined;
  #clientIsDone = false;
  #serverIsDone = false;
  #outbox: ServerFrame[] = [];
  /** Both ends belong to one life of their process each. */
  readonly #clientLife: number;
  readonly #serverLife: number;
  #toServerMs = 0;
  #toClientMs = 0;
  readonly #up = {};
  readonly #down = {};

  constructor(
    private readonly net: Wires,
    readonly client: SimProcess,
    private readonly handler: ClientHandler,
    readonly server: Reachable,
  ) {
    this.#clientLife = client.generation;
    this.#serverLife = server.process.generation;
  }

  begin(): void {
    this.#toServer(() => {
      const { core } = this.server;
      if (core === undefined) {
        this.closeClient(UNREACHABLE);
        return;
      }
      const { answers, watch } = this.net;
      this.#serverSide = watch.connect(this.server.process, answers.over(core), this.#port());
      this.#toClient(() => this.handler.ready());
    });
  }

  send(frames: readonly WireClientFrame[]): void {
    const said = this.net.isForgetful(this.client) ? frames.filter(({ kind }) => kind?.$case !== 'release') : frames;
    if (said.length === 0) return;
    const bytes = SessionRequest.encode({ frames: [...said] }).finish();
    this.#toServer(() => {
      const message = decodeMessage(bytes, MAX_FRAMES);
      if (message.kind === 'refused')
        throw new Error(`the client sent what cannot be read: ${message.failure.message}`);
      this.#serverSide?.receive(message.frames, this.server.process.nowMs());
    });
  }

  /** From now on nothing arrives, in one direction or in both. */
  lose(direction: Direction): void {
    if (direction !== 'down') this.losesUp = true;
    if (direction !== 'up') this.losesDown = true;
  }

  end(): void {
    this.#clientIsDone = true;
    this.net.forget(this);
    // On a dead cable the server hears of it when its keepalive runs out.
    if (this.losesUp) this.net.later(() => this.closeServer());
    else this.closeServer();
  }

  /** The client finds out that the stream is over, in a while. */
  closeClient(end: StreamEnd): void {
    this.#toClient(() => {
      this.#clientIsDone = true;
      this.net.forget(this);
      this.handler.closed(end);
    }, true);
  }

  /** The server finds out that the stream is over, in a while. */
  closeServer(): void {
    this.#toServer(() => {
      if (this.net.closesOnBreak) {
        this.#serverSide?.receive([{ kind: 'close', id: Number.MAX_SAFE_INTEGER }], this.server.process.nowMs());
      }
      this.#serverIsDone = true;
      this.#serverSide?.closed();
    }, true);
  }

  #port(): StreamPort {
    return {
      send: (frame) => {
        this.#outbox.push(frame);
        if (this.#outbox.length === 1) this.server.process.atTurnEnd(() => this.#flush());
      },
      end: (failure) => {
        this.#flush();
        this.#serverIsDone = true;
        const end = failure === undefined ? { statusCode: 0, message: '', failure: undefined } : streamEnd(failure);
        if (this.losesDown) this.net.later(() => this.closeClient(UNREACHABLE));
        else this.closeClient(end);
      },
    };
  }

  #flush(): void {
    if (this.#outbox.length === 0) return;
    const bytes = encodeMessage(this.#outbox);
    this.#outbox = [];
    this.#toClient(() => {
      this.handler.receive(SessionResponse.decode(bytes).frames);
      this.net.delivered(this.client);
    });
  }

  #toServer(run: () => void, always = false): void {
    if (this.losesUp && !always) return;
    this.#toServerMs = Math.max(this.#toServerMs, this.net.arrivalMs());
    this.server.process.schedule(
      this.#toServerMs,
      this.#up,
      () => {
        if (!this.#serverIsDone) run();
      },
      this.#serverLife,
    );
  }

  #toClient(run: () => void, always = false): void {
    if (this.losesDown && !always) return;
    this.#toClientMs = Math.max(this.#toClientMs, this.net.arrivalMs());
    this.client.schedule(
      this.#toClientMs,
      this.#down,
      () => {
        if (!this.#clientIsDone) run();
      },
      this.#clientLife,
    );
  }
}

function streamEnd(failure: Failure): StreamEnd {
  const statusCode = STATUS_CODES[failureCode(failure.reason)] ?? 2;
  const { reason, message, field, value, limit, retryAfterMs } = failure;
  return { statusCode, message, failure: { statusCode, reason, message, field, value, limit, retryAfterMs } };
}
