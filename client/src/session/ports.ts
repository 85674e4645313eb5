import type { ClientFrame, ServerFrame, Status } from '@holdfast/protocol';

/** Time, as the session sees it. Implemented by the process's clock, or by a virtual one in tests and simulations. */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary start. Decides every deadline. */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970. May only shorten a validity: it shows that the machine was suspended. */
  wallMs(): number;
  /** Calls back once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls back at the end of the present turn of the event loop. */
  atTurnEnd(callback: () => void): void;
}

/** A pending callback of a `Clock`. */
export interface Timer {
  cancel(): void;
}

/** Randomness, so that a simulation can seed it. */
export interface Random {
  /** Fresh random bytes, unpredictable to others: secrets are made of them. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1). */
  unit(): number;
}

/** Where servers are reached. */
export interface Transport {
  /** How many targets there are to choose from. */
  readonly targetCount: number;
  /** A target's address, for messages. */
  targetName(index: number): string;
  /** Begins to connect. The handler is called later, never from inside this call. */
  open(targetIndex: number, handler: StreamHandler): Stream;
}

/** One stream to a server, connected or being connected. */
export interface Stream {
  /** Sends one message. Only after `ready`, and not after `end`. */
  send(frames: readonly ClientFrame[]): void;
  /** Lets go of the stream, whatever state it is in. The handler is not called any more. */
  end(): void;
}

/** What a stream tells the session. */
export interface StreamHandler {
  /** There is a connection: what is sent from now on may reach a server. */
  ready(): void;
  /** A message arrived. */
  receive(frames: readonly ServerFrame[]): void;
  /** Whoever is at the other end of the connection is about to close it. What is said on the stream still counts. */
  closing(): void;
  /** The stream is over, or could not be opened. Nothing follows. */
  closed(end: StreamEnd): void;
}

/** How a stream ended. */
export interface StreamEnd {
  /** The gRPC status code, 0 for OK. */
  readonly statusCode: number;
  readonly message: string;
  /** What `grpc-status-details-bin` said, if it said anything. */
  readonly failure: Failure | undefined;
}

/** Why something failed, as a server says it. */
export interface Failure {
  /** The gRPC status code. */
  readonly statusCode: number;
  /** The name of an `ErrorReason` value without its prefix; empty when there was none. */
  readonly reason: string;
  readonly message: string;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly limit: string | undefined;
  /** When trying again makes sense. */
  readonly retryAfterMs: number | undefined;
}

/** Everything a session needs from outside. */
export interface SessionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  /** Takes the details of a `Failed` frame apart; they are protobuf inside protobuf. */
  readonly readFailure: (status: Status | undefined) => Failure;
  /**
   * Told whenever the session begins or ceases to have something under way: an acquire, a lease, a release, a connect.
   * The process is kept alive by that, never by an idle client.
   */
  readonly engaged: (engaged: boolean) => void;
}
