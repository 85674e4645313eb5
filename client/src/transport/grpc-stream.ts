import {
  type ChannelOptions,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  type StatusObject,
} from '@grpc/grpc-js';
import { type ClientFrame, LeaseServiceClient, type SessionRequest, type SessionResponse } from '@holdfast/protocol';
import type { Stream, StreamEnd, StreamHandler } from '../session/ports.js';
import { endOf } from './stream-end.js';

const INVALID_ARGUMENT = 3;

const CHANNEL_OPTIONS: ChannelOptions = {
  // A server's messages are bounded; this only keeps something else on that port from filling the memory.
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  // Below the heartbeats: finds a dead peer while a stream is being opened, and keeps NATs from forgetting it.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // The session decides when to try again, and a retried stream would carry old frames.
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
};

type Call = ClientDuplexStream<SessionRequest, SessionResponse>;

/** One stream on a connection of its own, so that every attempt resolves the name and connects afresh. */
export class GrpcStream implements Stream {
  #client: LeaseServiceClient | undefined;
  #call: Call | undefined;
  #ended = false;
  #status: StatusObject | undefined;
  #readAll = false;
  #answered = false;

  constructor(
    private readonly target: string,
    private readonly handler: StreamHandler,
  ) {
    queueMicrotask(() => this.#connect());
  }

  send(frames: readonly ClientFrame[]): void {
    if (!this.#ended) this.#call?.write({ frames: [...frames] });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#call?.cancel();
    this.#client?.close();
  }

  #connect(): void {
    if (this.#ended) return;
    try {
      this.#client = new LeaseServiceClient(this.target, credentials.createInsecure(), CHANNEL_OPTIONS);
    } catch {
      this.#closed(notATarget(this.target));
      return;
    }
    this.#watch(this.#client);
  }

  /** Waits for the connection, so that nothing is sent, and no secret spent, on one that never comes about. */
  #watch(client: LeaseServiceClient): void {
    if (this.#ended) return;
    const channel = client.getChannel();
    const state = channel.getConnectivityState(true);
    switch (state) {
      case connectivityState.READY:
        this.#start(client);
        this.handler.ready();
        this.#watchForGoaway(client);
        break;
      case connectivityState.TRANSIENT_FAILURE:
        // A call fails at once now, and its status says why.
        this.#start(client);
        break;
      default:
        channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => this.#watch(client));
    }
  }

  /**
   * A connection whose other end has said GOAWAY takes no new calls, so the channel leaves it; the call goes on for as long
   * as it is let. A connection that broke ends the call, too.
   */
  #watchForGoaway(client: LeaseServiceClient): void {
    if (this.#ended) return;
    client.getChannel().watchConnectivityState(connectivityState.READY, Number.POSITIVE_INFINITY, () => {
      if (!this.#ended && this.#status === undefined) this.handler.closing();
    });
  }

  #start(client: LeaseServiceClient): void {
    const call = client.session();
    this.#call = call;
    call.on('data', ({ frames }: SessionResponse) => {
      this.#answered = true;
      if (!this.#ended) this.handler.receive(frames);
    });
    call.on('error', ignored);
    call.on('status', (status: StatusObject) => {
      this.#status = status;
      this.#closeIfRead();
    });
    call.on('end', () => {
      this.#readAll = true;
      this.#closeIfRead();
    });
  }

  /** The status may overtake messages that have arrived and not been read. */
  #closeIfRead(): void {
    if (this.#status === undefined || !this.#readAll) return;
    this.#closed(endOf(this.target, this.#status, this.#answered));
  }

  #closed(end: StreamEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#client?.close();
    this.handler.closed(end);
  }
}

function ignored(): void {
  // The status says the same; without a listener the error would be thrown.
}

function notATarget(target: string): StreamEnd {
  const message = `targets contains ${JSON.stringify(target)}; it must be an address such as localhost:7420`;
  const reason = 'FIELD_INVALID';
  const details = { field: 'targets', value: target, limit: 'an address such as localhost:7420' };
  const failure = { statusCode: INVALID_ARGUMENT, reason, message, ...details, retryAfterMs: undefined };
  return { statusCode: INVALID_ARGUMENT, message, failure };
}
