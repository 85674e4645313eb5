import { expect } from 'chai';
import type { ClientFrame, ServerFrame } from '../../server/src/core/frames.js';
import type { Hash, LeaseId } from '../../server/src/core/names.js';
import type { StreamHandler, StreamPort } from '../../server/src/core/session-api.js';
import { History } from '../history/history.js';
import { QueueWatch } from '../history/queue-watch.js';

const INTERVAL_MS = 100;

/** A server that does as the test says, watched, and a clock that the test moves on. */
class WatchedByHand {
  nowMs = 0;
  readonly history: History;
  readonly #watch: QueueWatch;

  constructor() {
    const now = (): number => this.nowMs;
    this.history = new History({
      get nowMs() {
        return now();
      },
      note: () => undefined,
    });
    this.#watch = new QueueWatch(this.history.queues);
  }

  client(sessionId: string, resume = false): ClientByHand {
    let port: StreamPort | undefined;
    const core = {
      connect: (given: StreamPort): StreamHandler => {
        port = given;
        return { receive: () => undefined, drain: () => undefined, closed: () => undefined };
      },
    };
    const heard: ServerFrame[] = [];
    const outer = { send: (frame: ServerFrame) => void heard.push(frame), end: () => undefined };
    const handler = this.#watch.connect({ name: 's', nowMs: () => this.nowMs }, core, outer);
    if (port === undefined) throw new Error('not connected');
    const client = new ClientByHand(this, handler, port, heard);
    client.says({
      kind: 'open',
      id: 1,
      protocolVersion: 1,
      sessionId,
      secretHash: HASH,
      clientName: sessionId,
      namespace: '',
      resume,
    });
    client.hears({ kind: 'opened', id: 1, serverId: 's', heartbeatIntervalMs: INTERVAL_MS, limits: LIMITS });
    return client;
  }

  serverDied(): void {
    this.#watch.serverDied('s');
  }
}

class ClientByHand {
  constructor(
    private readonly world: WatchedByHand,
    readonly handler: StreamHandler,
    private readonly port: StreamPort,
    readonly heard: readonly ServerFrame[],
  ) {}

  says(frame: ClientFrame): void {
    this.handler.receive([frame], this.world.nowMs);
  }

  hears(frame: ServerFrame): void {
    this.port.send(frame);
  }

  acquires(id: number, earlierHashes: readonly Hash[] = []): void {
    const request = {
      names: ['r'],
      ttlMs: 1_000,
      waitMs: 1_000,
      hash: HASH,
      earlierHashes,
      manualExtension: false,
      trace: undefined,
    };
    this.says({ kind: 'acquire', id, request });
  }

  isGranted(id: number): void {
    const validity = { anchor: 1, durationMs: 1_000 };
    this.hears({
      kind: 'granted',
      id,
      leaseId: '' as LeaseId,
      tokens: [1n],
      validity,
      ttlMs: 1_000,
      heartbeatIntervalMs: INTERVAL_MS,
      push: 1,
    });
  }

  beats(): void {
    this.says({ kind: 'heartbeat', id: 99, pushSeen: 0, heldCount: 0, heldHash: 0n });
  }
}

const HASH = '00' as Hash;
const LIMITS = {
  minTtlMs: 1,
  maxTtlMs: 1,
  defaultTtlMs: 1,
  maxNameBytes: 1,
  maxMessageBytes: 1,
  maxFramesPerMessage: 1,
  maxRequestsPerSession: 1,
  graceMs: 1,
};

describe('the watch over the queues of a server (I8)', () => {
  let world: WatchedByHand;
  let first: ClientByHand;
  let second: ClientByHand;
  beforeEach(() => {
    world = new WatchedByHand();
    first = world.client('first');
    second = world.client('second');
    first.acquires(2);
    second.acquires(2);
  });

  function expectFine(): void {
    expect(world.history.violations).to.deep.equal([]);
  }

  it('passes everything on, and finds who is passed over', () => {
    second.isGranted(2);
    expect(second.heard.map(({ kind }) => kind)).to.deep.equal(['opened', 'granted']);
    expect(world.history.violations).to.deep.equal([
      'L2/I8 at 0.000 ms: s granted r to request 2 of session second before request 2 of session first, who had come first and stayed',
    ]);
  });

  it('takes no offence where everybody has their turn', () => {
    first.isGranted(2);
    second.isGranted(2);
    expectFine();
    expect(world.history.queues.checked).to.equal(2);
  });

  it('takes no offence where the first has been silent for longer than clients are, though it speaks again', () => {
    world.nowMs = 260;
    second.beats();
    first.beats();
    second.isGranted(2);
    expectFine();
  });

  it('expects the first to be served where it has been silent for a little', () => {
    world.nowMs = 240;
    second.isGranted(2);
    expect(world.history.violations).to.have.length(1);
  });

  for (const [what, happens] of [
    ['has lost its stream', () => first.handler.closed()],
    ['has come back on another', () => world.client('first', true)],
    ['has cancelled', () => first.says({ kind: 'cancel', id: 3, requestId: 2 })],
    ['has closed its session', () => first.says({ kind: 'close', id: 3 })],
    [
      'was denied',
      () => first.hears({ kind: 'denied', id: 2, reason: 'wait_expired', holder: undefined, position: 1 }),
    ],
    ['was in the queue of a server that has died', () => world.serverDied()],
  ] as const) {
    it(`takes no offence where the first ${what}`, () => {
      happens();
      second.isGranted(2);
      expectFine();
    });
  }

  it('leaves out what may have been granted elsewhere', () => {
    const third = world.client('third');
    third.acquires(2, [HASH]);
    third.isGranted(2);
    expectFine();
  });

  it('does not count on who is coming back until the server knows what it has', () => {
    first.isGranted(2);
    second.isGranted(2);
    const third = world.client('third', true);
    third.acquires(2);
    first.acquires(3);
    first.isGranted(3);
    expectFine();
    third.hears({ kind: 'resumed', id: 1, leases: [], push: 0, heartbeatIntervalMs: INTERVAL_MS });
    third.acquires(3);
    second.acquires(4);
    second.isGranted(4);
    expect(world.history.violations).to.have.length(1);
  });
});
