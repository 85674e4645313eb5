import type { ClientFrame, Limits, ServerFrame } from '../../../server/src/core/frames.js';
import type {
  CoreSettings,
  LeaseQuery,
  ListedLease,
  ServerCoreApi,
  StreamHandler,
  StreamPort,
} from '../../../server/src/core/session-api.js';

export const LIMITS: Limits = {
  minTtlMs: 1_000,
  maxTtlMs: 60_000,
  defaultTtlMs: 30_000,
  maxNameBytes: 256,
  maxMessageBytes: 65_536,
  maxFramesPerMessage: 64,
  maxRequestsPerSession: 1_000,
  graceMs: 30_000,
};

/** One stream as the scripted core saw it. */
export class ScriptedStream implements StreamHandler {
  readonly received: ClientFrame[] = [];
  readonly messages: { readonly frames: number; readonly receivedAtMs: number }[] = [];
  closedCalls = 0;
  ended = false;

  constructor(
    readonly port: StreamPort,
    readonly script: (frame: ClientFrame, stream: ScriptedStream) => void,
  ) {}

  receive(frames: readonly ClientFrame[], receivedAtMs: number): void {
    this.messages.push({ frames: frames.length, receivedAtMs });
    for (const frame of frames) {
      this.received.push(frame);
      this.script(frame, this);
    }
  }

  drain(remainingMs: number): void {
    this.send({ kind: 'draining', id: 0, remainingMs });
  }

  closed(): void {
    this.closedCalls += 1;
  }

  send(...frames: readonly ServerFrame[]): void {
    for (const frame of frames) this.port.send(frame);
  }

  end(failure?: Parameters<StreamPort['end']>[0]): void {
    this.ended = true;
    this.port.end(failure);
  }
}

/** Answers every frame in the plainest way; the first one must be an Open, as in a real core. */
export function plainAnswers(frame: ClientFrame, stream: ScriptedStream): void {
  const isFirst = stream.received.length === 1;
  if (isFirst && frame.kind !== 'open') {
    stream.end({ reason: 'OPEN_EXPECTED', message: 'The first frame is not Open.', field: 'kind', value: frame.kind });
    return;
  }
  switch (frame.kind) {
    case 'open':
      stream.send({ kind: 'opened', id: frame.id, serverId: 'scripted', heartbeatIntervalMs: 5_000, limits: LIMITS });
      return;
    case 'acquire':
      stream.send({
        kind: 'granted',
        id: frame.id,
        leaseId: LEASE_ID,
        tokens: [1_790_000_000_000_000n],
        validity: { anchor: frame.id, durationMs: 29_000 },
        ttlMs: frame.request.ttlMs ?? LIMITS.defaultTtlMs,
        heartbeatIntervalMs: 5_000,
        push: 1,
      });
      return;
    case 'release':
      stream.send({ kind: 'released', id: frame.id, outcome: 'released' });
      return;
    case 'invalid':
      stream.send({ kind: 'failed', id: frame.id, failure: frame.failure });
      return;
    case 'close':
      stream.send({ kind: 'closed', id: frame.id });
      stream.end();
      return;
    default:
      return;
  }
}

type LeaseId = ListedLease['leaseId'];
export const LEASE_ID = '01923456-789a-7abc-8def-0123456789ab' as LeaseId;

/** A core that does what its script says, and remembers what it was told. */
export class ScriptedCore implements ServerCoreApi {
  readonly settings: CoreSettings;
  readonly streams: ScriptedStream[] = [];
  drained: number | undefined;
  leases: readonly ListedLease[] = [];
  script = plainAnswers;

  constructor(limits: Partial<Limits> = {}) {
    this.settings = {
      serverId: 'scripted',
      limits: { ...LIMITS, ...limits },
      clockRateDrift: 0.01,
      clockMarginMs: 5,
      minValidityShare: 0.1,
      minValidityMs: 50,
      maxSessions: 100,
      maxWaitersPerResource: 100,
      maxHeartbeatIntervalMs: 10_000,
    };
  }

  connect(port: StreamPort): StreamHandler {
    const stream = new ScriptedStream(port, (frame, self) => this.script(frame, self));
    this.streams.push(stream);
    return stream;
  }

  drain(remainingMs: number): void {
    this.drained = remainingMs;
    for (const stream of this.#open()) stream.drain(remainingMs);
  }

  openStreams(): number {
    return this.#open().length;
  }

  endStreams(): void {
    for (const stream of this.#open()) {
      stream.end({ reason: 'DRAINING', message: 'The server is stopping; use another.', retryAfterMs: 1_000 });
    }
  }

  listLeases({ namespace, namePrefix, after, limit }: LeaseQuery): readonly ListedLease[] {
    const key = (lease: { readonly namespace: string; readonly name: string }): string =>
      `${lease.namespace}\u0000${lease.name}`;
    return this.leases
      .filter((lease) => namespace === '' || lease.namespace === namespace)
      .filter((lease) => lease.name.startsWith(namePrefix))
      .filter((lease) => after === undefined || key(lease) > key(after))
      .slice(0, limit);
  }

  sizes(): ReturnType<ServerCoreApi['sizes']> {
    return { sessionsAttached: 0, sessionsDetached: 0, leases: 0, waiters: 0, resources: 0, timers: 0 };
  }

  /** The only stream there was, or the latest. */
  get latest(): ScriptedStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }

  #open(): readonly ScriptedStream[] {
    return this.streams.filter((stream) => !stream.ended && stream.closedCalls === 0);
  }
}
