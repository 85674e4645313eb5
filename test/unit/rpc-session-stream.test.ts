import { SessionRequest, SessionResponse, type ClientFrame as WireFrame } from '@holdfast/protocol';
import { expect } from 'chai';
import type { Failure } from '../../server/src/core/failure.js';
import type { ServerFrame } from '../../server/src/core/frames.js';
import { InvariantViolation } from '../../server/src/core/invariant.js';
import { type SessionCall, SessionStream } from '../../server/src/rpc/session-stream.js';
import { Traffic } from '../../server/src/rpc/traffic.js';
import { TurnFlusher } from '../../server/src/rpc/turn-flusher.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { ScriptedCore, type ScriptedStream } from '../wire/support/scripted-core.js';
import { acquire, open } from '../wire/support/wire-client.js';

const SLOW_READER_MS = 10_000;
const MAX_UNSENT_FRAMES = 100;
const MAX_UNSENT_BYTES = 200_000;

/** A call whose client reads only when told to. */
class FakeCall implements SessionCall {
  readonly messages: string[][] = [];
  readonly #written: (() => void)[] = [];
  finished: Failure | 'OK' | undefined;

  write(message: Buffer, written: () => void): void {
    expect(this.finished, 'written after the end').to.equal(undefined);
    this.messages.push(SessionResponse.decode(message).frames.map(({ id, kind }) => `${kind?.$case} ${id}`));
    this.#written.push(written);
  }

  finish(failure: Failure | undefined): void {
    expect(this.finished, 'finished twice').to.equal(undefined);
    this.finished = failure ?? 'OK';
  }

  /** The client reads all there is, and what follows from that. */
  readAll(): void {
    for (let next = this.#written.shift(); next !== undefined; next = this.#written.shift()) next();
  }
}

function released(id: number): ServerFrame {
  return { kind: 'released', id, outcome: 'released' };
}

function bulky(id: number): ServerFrame {
  return { kind: 'failed', id, failure: { reason: 'INTERNAL', message: 'm'.repeat(15_000) } };
}

function message(...kinds: readonly WireFrame['kind'][]): Buffer {
  const frames = kinds.map((kind, at) => ({ id: BigInt(at + 1), kind }));
  return Buffer.from(SessionRequest.encode({ frames }).finish());
}

function reasonOf(call: FakeCall): string | undefined {
  return typeof call.finished === 'object' ? call.finished.reason : call.finished;
}

describe('The rpc room’s half of a session stream', () => {
  let clock: VirtualClock;
  let core: ScriptedCore;
  let call: FakeCall;
  let defects: unknown[];
  let traffic: Traffic;

  beforeEach(() => {
    clock = new VirtualClock();
    core = new ScriptedCore();
    core.script = () => undefined;
    call = new FakeCall();
    defects = [];
    traffic = new Traffic();
  });

  function connect(): { readonly stream: SessionStream; readonly seen: ScriptedStream } {
    const stream = new SessionStream(call, {
      core,
      clock,
      flusher: new TurnFlusher(clock),
      traffic,
      settings: {
        maxUnsentFrames: MAX_UNSENT_FRAMES,
        maxUnsentBytes: MAX_UNSENT_BYTES,
        slowReaderMs: SLOW_READER_MS,
      },
      reportDefect: (_, error) => void defects.push(error),
    });
    return { stream, seen: core.latest };
  }

  /** Fills what the call takes at a time, and sees to it that more than that waits. */
  async function stall(stream: SessionStream): Promise<void> {
    for (let id = 1; stream.unsentFrames === 0; id += 1) {
      stream.send(released(id));
      await clock.settle();
    }
  }

  it('sends the frames of a turn in one message, at its end', async () => {
    const { stream } = connect();
    stream.send(released(1));
    stream.send(released(2));
    expect(call.messages).to.deep.equal([]);
    await clock.settle();
    stream.send(released(3));
    await clock.settle();
    expect(call.messages).to.deep.equal([['released 1', 'released 2'], ['released 3']]);
  });

  it('counts messages and what they carry, each direction apart', async () => {
    const { stream } = connect();
    stream.received(message(open(), acquire('a')));
    stream.received(message(acquire('b')));
    for (const id of [1, 2, 3]) stream.send(released(id));
    expect(traffic.out).to.deep.equal({ messages: 0, frames: 0 });
    await clock.settle();
    expect(traffic.in).to.deep.equal({ messages: 2, frames: 3 });
    expect(traffic.out).to.deep.equal({ messages: 1, frames: 3 });
  });

  it('gives the core the time each message came in', () => {
    const { stream, seen } = connect();
    stream.received(message(open(), acquire('a')));
    clock.stall(70);
    stream.received(message(acquire('b')));
    expect(seen.messages).to.deep.equal([
      { frames: 2, receivedAtMs: 1_000 },
      { frames: 1, receivedAtMs: 1_070 },
    ]);
  });

  it('sends what came before the end, then ends, and tells the core nothing', async () => {
    const { stream, seen } = connect();
    stream.send(released(1));
    seen.end({ reason: 'SESSION_SUPERSEDED', message: 'm' });
    stream.send(released(2));
    await clock.settle();
    expect(call.messages).to.deep.equal([['released 1']]);
    expect(reasonOf(call)).to.equal('SESSION_SUPERSEDED');
    stream.gone();
    expect(seen.closedCalls).to.equal(0);
  });

  it('may be ended by the core while it connects', async () => {
    core.connect = (port) => {
      port.end({ reason: 'DRAINING', message: 'm' });
      return { receive: () => expect.fail('received'), closed: () => expect.fail('closed') };
    };
    const stream = new SessionStream(call, {
      core,
      clock,
      flusher: new TurnFlusher(clock),
      traffic,
      settings: { maxUnsentFrames: 1, maxUnsentBytes: 1, slowReaderMs: 1 },
      reportDefect: (_, error) => void defects.push(error),
    });
    stream.received(message(open()));
    await clock.settle();
    stream.gone();
    expect(reasonOf(call)).to.equal('DRAINING');
  });

  it('tells the core once that the call is gone, and sends nothing more', async () => {
    const { stream, seen } = connect();
    stream.send(released(1));
    stream.gone();
    stream.gone();
    stream.halfClosed();
    stream.received(message(open()));
    stream.send(released(2));
    await clock.settle();
    expect(seen).to.include({ closedCalls: 1 });
    expect(seen.received).to.deep.equal([]);
    expect(call.messages).to.deep.equal([]);
    expect(clock.pending).to.equal(0);
  });

  it('takes a client that stops sending for one that is gone', async () => {
    const { stream, seen } = connect();
    stream.halfClosed();
    await clock.settle();
    expect(call.finished).to.equal('OK');
    expect(seen.closedCalls).to.equal(1);
  });

  it('waits for the answer to Close when the client stops sending after it', async () => {
    const { stream, seen } = connect();
    stream.received(message(open(), { $case: 'close', value: {} }));
    stream.halfClosed();
    await clock.settle();
    expect(call.finished).to.equal(undefined);
    seen.send({ kind: 'closed', id: 2 });
    seen.end();
    await clock.settle();
    expect(call.messages).to.deep.equal([['closed 2']]);
    expect(call.finished).to.equal('OK');
    expect(seen.closedCalls).to.equal(0);
  });

  it('ends on bytes that mean nothing, after the answers to what came before', async () => {
    const { stream, seen } = connect();
    stream.send(released(1));
    stream.received(Buffer.from([0xff]));
    stream.received(message(open()));
    await clock.settle();
    expect(call.messages).to.deep.equal([['released 1']]);
    expect(reasonOf(call)).to.equal('MESSAGE_UNDECODABLE');
    expect(seen.closedCalls).to.equal(1);
    expect(seen.received).to.deep.equal([]);
  });

  describe('with a client that does not read', () => {
    it('keeps what it cannot send, and sends it in few messages when the client reads again', async () => {
      const { stream } = connect();
      await stall(stream);
      const taken = call.messages.length;
      for (let id = 50; id < 90; id += 1) {
        stream.send(released(id));
        await clock.settle();
      }
      expect(call.messages).to.have.length(taken);
      call.readAll();
      expect(call.messages).to.have.length(taken + 1);
      expect(stream.unsentFrames).to.equal(0);
    });

    it('does not let extensions of the same leases pile up', async () => {
      const { stream } = connect();
      await stall(stream);
      const before = stream.unsentFrames;
      for (let anchor = 1; anchor <= 10_000; anchor += 1) {
        const groups = [{ durationMs: 9_000, requestIds: [1, 2, 3] }];
        stream.send({ kind: 'extended', id: 0, anchor, groups, heartbeatIntervalMs: 0 });
      }
      await clock.settle();
      expect(stream.unsentFrames).to.equal(before + 1);
      expect(call.finished).to.equal(undefined);
    });

    it('ends at the bound for frames, not in the middle of the core’s call', async () => {
      const { stream, seen } = connect();
      await stall(stream);
      for (let id = 1; id <= 10 * MAX_UNSENT_FRAMES; id += 1) {
        stream.send(released(id));
        expect(stream.unsentFrames).to.be.at.most(MAX_UNSENT_FRAMES);
      }
      expect(seen.closedCalls).to.equal(0);
      await clock.settle();
      expect(seen.closedCalls).to.equal(1);
      expect(reasonOf(call)).to.equal('SLOW_READER');
      expect(stream.unsentFrames).to.equal(0);
    });

    it('ends at the bound for bytes', async () => {
      const { stream, seen } = connect();
      await stall(stream);
      for (let id = 1; id <= MAX_UNSENT_FRAMES / 2; id += 1) {
        stream.send(bulky(id));
        expect(stream.unsentBytes).to.be.at.most(MAX_UNSENT_BYTES);
      }
      await clock.settle();
      expect(reasonOf(call)).to.equal('SLOW_READER');
      expect(seen.closedCalls).to.equal(1);
    });

    it('does not count a burst against a client that reads', async () => {
      const { stream, seen } = connect();
      for (let id = 1; id <= 40; id += 1) {
        stream.send(bulky(id));
        call.readAll();
      }
      await clock.settle();
      call.readAll();
      expect(call.messages.flat()).to.have.length(40);
      expect(seen.closedCalls).to.equal(0);
    });

    it('ends when nothing was read for too long, and not before', async () => {
      const { stream, seen } = connect();
      stream.send(released(1));
      await clock.advance(SLOW_READER_MS - 1);
      call.readAll();
      stream.send(released(2));
      await clock.advance(SLOW_READER_MS - 1);
      expect(call.finished).to.equal(undefined);
      await clock.advance(1);
      expect(reasonOf(call)).to.equal('SLOW_READER');
      expect(seen.closedCalls).to.equal(1);
    });

    it('leaves a client alone that has read everything, however long ago', async () => {
      const { stream } = connect();
      stream.send(released(1));
      await clock.settle();
      call.readAll();
      await clock.advance(10 * SLOW_READER_MS);
      expect(call.finished).to.equal(undefined);
      expect(clock.pending).to.equal(0);
    });

    it('still ends as the core wanted when the last frames cannot be sent', async () => {
      const { stream, seen } = connect();
      await stall(stream);
      seen.end({ reason: 'DRAINING', message: 'm' });
      await clock.advance(SLOW_READER_MS - 1);
      expect(call.finished).to.equal(undefined);
      await clock.advance(1);
      expect(reasonOf(call)).to.equal('DRAINING');
      expect(seen.closedCalls).to.equal(0);
    });
  });

  describe('with a defect', () => {
    it('of the core ends the stream alone and says so', async () => {
      const error = new Error('a defect');
      core.script = () => {
        throw error;
      };
      const { stream, seen } = connect();
      stream.received(message(open()));
      await clock.settle();
      expect(defects).to.deep.equal([error]);
      expect(reasonOf(call)).to.equal('INTERNAL');
      expect(seen.closedCalls).to.equal(1);
    });

    it('that breaks a guarantee is not contained', () => {
      core.script = () => {
        throw new InvariantViolation('S1 violated');
      };
      const { stream } = connect();
      expect(() => stream.received(message(open()))).to.throw(InvariantViolation);
    });

    it('in a frame that cannot be encoded ends the stream alone', async () => {
      const { stream, seen } = connect();
      stream.send({ kind: 'draining', id: 0, remainingMs: -1.5 });
      await clock.settle();
      expect(defects).to.have.length(1);
      expect(reasonOf(call)).to.equal('INTERNAL');
      expect(seen.closedCalls).to.equal(1);
    });
  });
});
