import type { Limits } from '../core/frames.js';

/** What the rpc room enforces by itself. Durations in milliseconds. */
export interface RpcSettings {
  /** A connection is pinged this long after the last answer to a ping. Default 10 s. */
  readonly keepaliveIntervalMs: number;
  /** A connection whose ping stays unanswered this long is dropped. Default 5 s. */
  readonly keepaliveTimeoutMs: number;
  /** A connection without any call is closed after this time. Default 5 min. */
  readonly idleConnectionMs: number;
  /** A stream this old, give or take a tenth, is asked to move to another connection. Default `Infinity`: none is. */
  readonly maxConnectionAgeMs: number;
  /** How long it may take for that, before it is ended. Default 30 s. */
  readonly moveWithinMs: number;
  /** Most connections at a time; more are closed as soon as they are accepted. Default 20,000. */
  readonly maxConnections: number;
  /** Most calls at a time on one connection; HTTP/2 tells clients. Default 100. */
  readonly maxStreamsPerConnection: number;
  /** Most session streams at a time, over all connections. Default 20,000. */
  readonly maxStreams: number;
  /** Most frames that wait to be sent on one stream. Default 65,536, or 4 per request a session may have. */
  readonly maxUnsentFrames: number;
  /** Most bytes that wait to be sent on one stream. Default 8 MiB, or 256 per request a session may have. */
  readonly maxUnsentBytes: number;
  /** A stream that has taken nothing for this long, while something waited, is ended. Default 10 s. */
  readonly slowReaderMs: number;
  /** How long ended streams may take to deliver their last frames when the server stops. Default 500 ms. */
  readonly lastWordsMs: number;
}

/** The defaults. The bounds on what waits to be sent let a healthy client have an answer for every request at once. */
export function rpcDefaults(limits: Limits): RpcSettings {
  return {
    keepaliveIntervalMs: 10_000,
    keepaliveTimeoutMs: 5_000,
    idleConnectionMs: 300_000,
    maxConnectionAgeMs: Infinity,
    moveWithinMs: 30_000,
    maxConnections: 20_000,
    maxStreamsPerConnection: 100,
    maxStreams: 20_000,
    maxUnsentFrames: Math.max(65_536, 4 * limits.maxRequestsPerSession),
    maxUnsentBytes: Math.max(8 * 1_024 * 1_024, 256 * limits.maxRequestsPerSession),
    slowReaderMs: 10_000,
    lastWordsMs: 500,
  };
}

/** Told of a defect of the server that was contained: the call it happened in has ended, the server goes on. */
export type ReportDefect = (where: string, error: unknown) => void;
