import type { Failure } from '../../server/src/core/failure.js';
import type { AcquireRequest, ClientFrame, ResumeEntry, ServerFrame } from '../../server/src/core/frames.js';
import type { Hash } from '../../server/src/core/names.js';
import type { CoreEvent, LeaseEnd, Random, Telemetry } from '../../server/src/core/ports.js';
import { ServerCore } from '../../server/src/core/server-core.js';
import type { CoreSettings, StreamHandler } from '../../server/src/core/session-api.js';
import { ModelStore } from './model-store.js';
import { VirtualClock } from './virtual-clock.js';

/** The defaults of the server, with nothing random about them. */
export const SETTINGS: CoreSettings = {
  serverId: 'server-under-test',
  limits: {
    minTtlMs: 1_000,
    maxTtlMs: 60_000,
    defaultTtlMs: 30_000,
    maxNameBytes: 256,
    maxMessageBytes: 65_536,
    maxFramesPerMessage: 4_096,
    maxRequestsPerSession: 5_000,
    graceMs: 30_000,
  },
  clockRateDrift: 0.01,
  clockMarginMs: 5,
  minValidityShare: 0.1,
  minValidityMs: 50,
  maxSessions: 100,
  maxWaitersPerResource: 2_000,
  maxHeartbeatIntervalMs: 10_000,
};

/** Counts up; good enough where uniqueness is all that matters. */
class CountingRandom implements Random {
  #count = 0;

  bytes(count: number): Uint8Array {
    this.#count += 1;
    const bytes = Buffer.alloc(count);
    bytes.writeUIntBE(this.#count, Math.max(0, count - 6), Math.min(6, count));
    return bytes;
  }

  unit(): number {
    return 0.5;
  }
}

const ignore = (): undefined => undefined;

/** What the core told its observer. */
export class RecordedTelemetry implements Telemetry {
  readonly events: CoreEvent[] = [];
  readonly ends: LeaseEnd[] = [];

  readonly acquireEnded = ignore;
  readonly extended = ignore;
  readonly resumed = ignore;
  readonly storeCalled = ignore;
  readonly failed = ignore;
  readonly acquireStarted = ignore;
  leaseEnded(end: LeaseEnd): void {
    this.ends.push(end);
  }
  event(event: CoreEvent): void {
    this.events.push(event);
  }
}

type Kind = ServerFrame['kind'];
type FrameOf<K extends Kind> = Extract<ServerFrame, { kind: K }>;
/** A client frame without its id, which the rig counts up. */
type Said = ClientFrame extends infer F ? (F extends ClientFrame ? Omit<F, 'id'> : never) : never;

/** One client by hand: says frames on one stream after another, and keeps what it was told. */
export class HandClient {
  readonly heard: ServerFrame[] = [];
  /** How the present stream ended, once it has. */
  ended: { readonly failure: Failure | undefined } | undefined;
  #handler: StreamHandler | undefined;
  #nextId = 1;

  constructor(
    /** The server it speaks to. */
    private rig: CoreRig,
    readonly name: string,
    readonly sessionId: string,
  ) {}

  /** Opens a stream; an older one is left as it is. */
  open(resume = false): number {
    this.ended = undefined;
    const { rig } = this;
    this.#handler = rig.core.connect({
      // What a server says that it has left is not heard any more.
      send: (frame) => void (rig === this.rig && this.heard.push(frame)),
      end: (failure) => {
        this.ended = { failure };
      },
    });
    return this.say({
      kind: 'open',
      protocolVersion: 1,
      sessionId: this.sessionId,
      secretHash: hash(`session ${this.sessionId}`),
      clientName: this.name,
      namespace: '',
      resume,
    });
  }

  /** Opens a stream to another server, which is told what the client has; the older stream is left as it is. */
  moveTo(rig: CoreRig, entries: readonly ResumeEntry[]): void {
    this.rig = rig;
    this.open(true);
    this.resume(entries);
  }

  /** Says one frame, in a message of its own. */
  say(frame: Said): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#handler?.receive([{ ...frame, id } as ClientFrame], this.rig.clock.nowMs());
    return id;
  }

  acquire(name: string, options: Partial<AcquireRequest> = {}): number {
    return this.say({
      kind: 'acquire',
      request: request(name, { hash: hash(`${this.name} ${this.#nextId}`), ...options }),
    });
  }

  /** A beat that agrees with what was granted and not lost or released. */
  beat(): number {
    const held = new Map<number, string>();
    let pushSeen = 0;
    for (const frame of this.heard) {
      if (frame.kind === 'granted') held.set(frame.id, frame.leaseId);
      if (frame.kind === 'lost') held.delete(frame.requestId);
      if (frame.kind === 'granted' || frame.kind === 'lost' || frame.kind === 'resumed') pushSeen = frame.push;
    }
    for (const id of this.released) held.delete(id);
    let heldHash = 0n;
    for (const leaseId of held.values()) heldHash ^= BigInt(`0x${leaseId.replaceAll('-', '').slice(16)}`);
    return this.say({ kind: 'heartbeat', pushSeen, heldCount: held.size, heldHash });
  }

  readonly released = new Set<number>();

  release(requestId: number): number {
    this.released.add(requestId);
    return this.say({ kind: 'release', requestId });
  }

  resume(entries: readonly ResumeEntry[], last = true): number {
    return this.say({ kind: 'resume', entries, last });
  }

  /** The stream breaks. */
  cut(): void {
    this.#handler?.closed();
    this.#handler = undefined;
  }

  /** Frames of one kind, in the order they came. */
  all<K extends Kind>(kind: K): FrameOf<K>[] {
    return this.heard.filter((frame): frame is FrameOf<K> => frame.kind === kind);
  }

  /** The only frame of a kind that answers an id. */
  answer<K extends Kind>(kind: K, id: number): FrameOf<K> {
    const found = this.all(kind).filter((frame) => frame.id === id);
    const [only] = found;
    if (only === undefined || found.length > 1) {
      throw new Error(
        `${found.length} frames ${kind} for ${id}; heard: ${this.heard.map((frame) => frame.kind).join(' ')}`,
      );
    }
    return only;
  }
}

/** The real server core over a model store, under a clock that stands still. */
export class CoreRig {
  readonly clock: VirtualClock;
  readonly telemetry = new RecordedTelemetry();
  readonly store: ModelStore;
  readonly settings: CoreSettings;
  core: ServerCore;
  #clients = 0;

  constructor(settings: Partial<CoreSettings> = {}, beside?: CoreRig) {
    this.settings = { ...SETTINGS, ...settings };
    this.clock = beside?.clock ?? new VirtualClock();
    this.store = new ModelStore(this.clock, beside?.store);
    this.core = this.#newCore();
  }

  /** A client with an open stream. */
  async client(name: string): Promise<HandClient> {
    this.#clients += 1;
    const id = `01890000-0000-7000-8000-${this.#clients.toString(16).padStart(12, '0')}`;
    const client = new HandClient(this, name, id);
    client.open();
    await this.clock.settle();
    return client;
  }

  /** Servers on one store, under one clock. */
  static several(count: number): CoreRig[] {
    const first = new CoreRig();
    return Array.from({ length: count }, () => new CoreRig({}, first));
  }

  /** The server dies and comes back over the same store. Streams must be cut by the test. */
  restart(): void {
    this.store.restart();
    this.core = this.#newCore();
  }

  #newCore(): ServerCore {
    const { store, clock, telemetry } = this;
    return new ServerCore(this.settings, { store, clock, telemetry, random: new CountingRandom() });
  }
}

/** Any text as a hash of the right shape. */
export function hash(text: string): Hash {
  return Buffer.from(text).toString('hex').padEnd(32, '0').slice(-32) as Hash;
}

/** An acquire of one name: default TTL, no wait. */
export function request(name: string, options: Partial<AcquireRequest> = {}): AcquireRequest {
  return {
    names: [name],
    ttlMs: undefined,
    waitMs: 0,
    hash: hash(name),
    earlierHashes: [],
    manualExtension: false,
    trace: undefined,
    ...options,
  };
}
