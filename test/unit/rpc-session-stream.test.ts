import { expect } from 'chai';
import { InvariantViolation } from '../../server/src/core/invariant.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import { acquire, open } from '../wire/support/wire-client.js';
import { type FakeCall, message, released, SessionRig } from './rpc-session-rig.js';

describe('The rpc room’s half of a session stream', () => {
  let rig: SessionRig;
  let clock: VirtualClock;
  let call: FakeCall;

  beforeEach(() => {
    rig = new SessionRig();
    ({ clock, call } = rig);
  });

  it('sends the frames of a turn in one message, at its end', async () => {
    const { stream } = rig.connect();
    stream.send(released(1));
    stream.send(released(2));
    expect(call.messages).to.deep.equal([]);
    await clock.settle();
    stream.send(released(3));
    await clock.settle();
    expect(call.messages).to.deep.equal([['released 1', 'released 2'], ['released 3']]);
  });

  it('counts messages and what they carry, each direction apart', async () => {
    const { stream } = rig.connect();
    stream.received(message(open(), acquire('a')));
    stream.received(message(acquire('b')));
    for (const id of [1, 2, 3]) stream.send(released(id));
    expect(rig.traffic.out).to.deep.equal({ messages: 0, frames: 0 });
    await clock.settle();
    expect(rig.traffic.in).to.deep.equal({ messages: 2, frames: 3 });
    expect(rig.traffic.out).to.deep.equal({ messages: 1, frames: 3 });
  });

  it('gives the core the time each message came in', () => {
    const { stream, seen } = rig.connect();
    stream.received(message(open(), acquire('a')));
    clock.stall(70);
    stream.received(message(acquire('b')));
    expect(seen.messages).to.deep.equal([
      { frames: 2, receivedAtMs: 1_000 },
      { frames: 1, receivedAtMs: 1_070 },
    ]);
  });

  it('sends what came before the end, then ends, and tells the core nothing', async () => {
    const { stream, seen } = rig.connect();
    stream.send(released(1));
    seen.end({ reason: 'SESSION_SUPERSEDED', message: 'm' });
    stream.send(released(2));
    await clock.settle();
    expect(call.messages).to.deep.equal([['released 1']]);
    expect(call.reason).to.equal('SESSION_SUPERSEDED');
    stream.gone();
    expect(seen.closedCalls).to.equal(0);
  });

  it('may be ended by the core while it connects', async () => {
    rig.core.connect = (port) => {
      port.end({ reason: 'DRAINING', message: 'm' });
      return {
        receive: () => expect.fail('received'),
        drain: () => expect.fail('drain'),
        closed: () => expect.fail('closed'),
      };
    };
    const stream = rig.connectOnly();
    stream.received(message(open()));
    await clock.settle();
    stream.gone();
    expect(call.reason).to.equal('DRAINING');
  });

  it('tells the core once that the call is gone, and sends nothing more', async () => {
    const { stream, seen } = rig.connect();
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
    const { stream, seen } = rig.connect();
    stream.halfClosed();
    await clock.settle();
    expect(call.finished).to.equal('OK');
    expect(seen.closedCalls).to.equal(1);
  });

  it('waits for the answer to Close when the client stops sending after it', async () => {
    const { stream, seen } = rig.connect();
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
    const { stream, seen } = rig.connect();
    stream.send(released(1));
    stream.received(Buffer.from([0xff]));
    stream.received(message(open()));
    await clock.settle();
    expect(call.messages).to.deep.equal([['released 1']]);
    expect(call.reason).to.equal('MESSAGE_UNDECODABLE');
    expect(seen.closedCalls).to.equal(1);
    expect(seen.received).to.deep.equal([]);
  });

  describe('with a defect', () => {
    it('of the core ends the stream alone and says so', async () => {
      const error = new Error('a defect');
      rig.core.script = () => {
        throw error;
      };
      const { stream, seen } = rig.connect();
      stream.received(message(open()));
      await clock.settle();
      expect(rig.defects).to.deep.equal([error]);
      expect(call.reason).to.equal('INTERNAL');
      expect(seen.closedCalls).to.equal(1);
    });

    it('that breaks a guarantee is not contained', () => {
      rig.core.script = () => {
        throw new InvariantViolation('S1 violated');
      };
      const { stream } = rig.connect();
      expect(() => stream.received(message(open()))).to.throw(InvariantViolation);
    });

    it('in a frame that cannot be encoded ends the stream alone', async () => {
      const { stream, seen } = rig.connect();
      stream.send({ kind: 'draining', id: 0, remainingMs: -1.5 });
      await clock.settle();
      expect(rig.defects).to.have.length(1);
      expect(call.reason).to.equal('INTERNAL');
      expect(seen.closedCalls).to.equal(1);
    });
  });
});
