import type { ClientFrame, ServerFrame } from '../../server/src/core/frames.js';
import type { ServerCoreApi, StreamHandler, StreamPort } from '../../server/src/core/session-api.js';
import type { QueueOrder } from './queue-order.js';

/** A server as it is watched. */
export interface WatchedServer {
  readonly name: string;
  /** By its own clock. */
  nowMs(): number;
}

/**
 * In how many heartbeat intervals a client says something. A core may think of one that has been silent for three that it is
 * not there; here it counts as away a little sooner.
 */
const LONGEST_SILENCE_INTERVALS = 2.5;

/** What was said on one stream, as far as it concerns queues. */
class WatchedStream {
  sessionId = '';
  namespace = '';
  /** Until the server knows what a returning client has, its client does not count as there. */
  isResuming = false;
  lastMs: number;
  intervalMs = Number.POSITIVE_INFINITY;

  constructor(nowMs: number) {
    this.lastMs = nowMs;
  }

  hasBeenSilent(nowMs: number): boolean {
    return nowMs - this.lastMs > LONGEST_SILENCE_INTERVALS * this.intervalMs;
  }
}

/** The requests of one session that wait at one server: of each its resource. */
type Waits = Map<number, string>;

/**
 * Stands between streams and the core of a server, sees in which order it takes acquires and whom it grants, and reports that
 * (I8). It changes nothing. Requests with a past elsewhere are left out: they may have been granted there.
 */
export class QueueWatch {
  readonly #sessions = new Map<string, Waits>();
  readonly #streams = new Map<string, Set<WatchedStream>>();
  /** When sessions last had a stream at a server that has none of theirs now. */
  readonly #leftMs = new Map<string, number>();

  constructor(private readonly queues: QueueOrder) {}

  connect(server: WatchedServer, core: Pick<ServerCoreApi, 'connect'>, port: StreamPort): StreamHandler {
    const stream = new WatchedStream(server.nowMs());
    const streams = this.#streams.get(server.name) ?? new Set<WatchedStream>();
    this.#streams.set(server.name, streams.add(stream));
    const gone = (): void => {
      if (streams.delete(stream)) this.#leftMs.set(`${server.name} ${stream.sessionId}`, server.nowMs());
      this.#away(server.name, stream);
    };
    const handler = core.connect({
      send: (frame) => {
        this.#said(server, stream, frame);
        port.send(frame);
      },
      end: (failure) => {
        gone();
        port.end(failure);
      },
    });
    return {
      receive: (frames, receivedAtMs) => {
        if (stream.hasBeenSilent(receivedAtMs)) this.#away(server.name, stream);
        stream.lastMs = receivedAtMs;
        for (const frame of frames) this.#heard(server.name, stream, frame);
        handler.receive(frames, receivedAtMs);
      },
      drain: (remainingMs) => handler.drain(remainingMs),
      closed: () => {
        gone();
        handler.closed();
      },
    };
  }

  /** Whether a session has a stream at a server. */
  isThere(server: string, sessionId: string): boolean {
    for (const stream of this.#streams.get(server) ?? []) if (stream.sessionId === sessionId) return true;
    return false;
  }

  /** For how long it has had none, by the server's clock, if it ever had. */
  awayForMs(server: WatchedServer, sessionId: string): number {
    const leftMs = this.#leftMs.get(`${server.name} ${sessionId}`);
    return leftMs === undefined ? Number.POSITIVE_INFINITY : server.nowMs() - leftMs;
  }

  /** What somebody waits for at a server who has been there all the time, and since when. */
  waitedFor(server: WatchedServer): Iterable<{ readonly resource: string; readonly sinceMs: number }> {
    this.#lookForSilence(server);
    return this.queues.waitedFor(server.name);
  }

  /** The server has died, and knows nothing of anybody any more. */
  serverDied(server: string): void {
    this.queues.serverDied(server);
    this.#streams.delete(server);
    for (const key of this.#sessions.keys()) if (key.startsWith(`${server} `)) this.#sessions.delete(key);
  }

  #heard(server: string, stream: WatchedStream, frame: ClientFrame): void {
    switch (frame.kind) {
      case 'open':
        stream.sessionId = frame.sessionId;
        stream.namespace = frame.namespace;
        stream.isResuming = frame.resume;
        // An older stream of the session ends here, if the server still has one.
        this.#away(server, stream);
        return;
      case 'acquire': {
        if (frame.request.earlierHashes.length > 0) return;
        const names = frame.request.names.join('+');
        const resource = stream.namespace === '' ? names : `${stream.namespace}/${names}`;
        this.#waits(server, stream).set(frame.id, resource);
        this.queues.queued(server, resource, nameOf(stream, frame.id));
        if (stream.isResuming) this.queues.wasAway(server, resource, nameOf(stream, frame.id));
        return;
      }
      case 'cancel':
      case 'release':
        this.#left(server, stream, frame.requestId);
        return;
      case 'close':
        for (const id of [...this.#waits(server, stream).keys()]) this.#left(server, stream, id);
        return;
      case 'resume':
      case 'heartbeat':
      case 'held_list':
      case 'extend':
      case 'invalid':
        return;
    }
  }

  #said(server: WatchedServer, stream: WatchedStream, frame: ServerFrame): void {
    if ('heartbeatIntervalMs' in frame && frame.heartbeatIntervalMs > 0) {
      stream.intervalMs = Math.min(stream.intervalMs, frame.heartbeatIntervalMs);
    }
    switch (frame.kind) {
      case 'granted': {
        const waits = this.#waits(server.name, stream);
        const resource = waits.get(frame.id);
        waits.delete(frame.id);
        if (resource === undefined) return;
        this.#lookForSilence(server);
        this.queues.served(server.name, resource, nameOf(stream, frame.id));
        return;
      }
      case 'denied':
      case 'failed':
        this.#left(server.name, stream, frame.id);
        return;
      case 'resumed':
        stream.isResuming = false;
        return;
      case 'opened':
      case 'extended':
      case 'held_list_requested':
      case 'queued':
      case 'released':
      case 'lost':
      case 'draining':
      case 'closed':
        return;
    }
  }

  #lookForSilence(server: WatchedServer): void {
    const nowMs = server.nowMs();
    for (const stream of this.#streams.get(server.name) ?? []) {
      if (stream.hasBeenSilent(nowMs)) this.#away(server.name, stream);
    }
  }

  #left(server: string, stream: WatchedStream, id: number): void {
    const waits = this.#waits(server, stream);
    const resource = waits.get(id);
    waits.delete(id);
    if (resource !== undefined) this.queues.left(server, resource, nameOf(stream, id));
  }

  #away(server: string, stream: WatchedStream): void {
    for (const [id, resource] of this.#waits(server, stream)) {
      this.queues.wasAway(server, resource, nameOf(stream, id));
    }
  }

  #waits(server: string, { sessionId }: WatchedStream): Waits {
    const key = `${server} ${sessionId}`;
    const waits = this.#sessions.get(key) ?? new Map<number, string>();
    this.#sessions.set(key, waits);
    return waits;
  }
}

function nameOf({ sessionId }: WatchedStream, id: number): string {
  return `request ${id} of session ${sessionId}`;
}
