import { expect } from 'chai';
import type { ServerFrame } from '../../server/src/core/frames.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import {
  type FakeCall,
  MAX_UNSENT_BYTES,
  MAX_UNSENT_FRAMES,
  released,
  SessionRig,
  SLOW_READER_MS,
} from './rpc-session-rig.js';

function bulky(id: number): ServerFrame {
  return { kind: 'failed', id, failure: { reason: 'INTERNAL', message: 'm'.repeat(15_000) } };
}

describe('A session stream whose client does not read', () => {
  let rig: SessionRig;
  let clock: VirtualClock;
  let call: FakeCall;

  beforeEach(() => {
    rig = new SessionRig();
    ({ clock, call } = rig);
  });

  it('keeps what it cannot send, and sends it in few messages when the client reads again', async () => {
    const { stream } = rig.connect();
    await rig.untilStalled(stream);
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
    const { stream } = rig.connect();
    await rig.untilStalled(stream);
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
    const { stream, seen } = rig.connect();
    await rig.untilStalled(stream);
    for (let id = 1; id <= 10 * MAX_UNSENT_FRAMES; id += 1) {
      stream.send(released(id));
      expect(stream.unsentFrames).to.be.at.most(MAX_UNSENT_FRAMES);
    }
    expect(seen.closedCalls).to.equal(0);
    await clock.settle();
    expect(seen.closedCalls).to.equal(1);
    expect(call.reason).to.equal('SLOW_READER');
    expect(stream.unsentFrames).to.equal(0);
  });

  it('ends at the bound for bytes', async () => {
    const { stream, seen } = rig.connect();
    await rig.untilStalled(stream);
    for (let id = 1; id <= MAX_UNSENT_FRAMES / 2; id += 1) {
      stream.send(bulky(id));
      expect(stream.unsentBytes).to.be.at.most(MAX_UNSENT_BYTES);
    }
    await clock.settle();
    expect(call.reason).to.equal('SLOW_READER');
    expect(seen.closedCalls).to.equal(1);
  });

  it('does not count a burst against a client that reads', async () => {
    const { stream, seen } = rig.connect();
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
    const { stream, seen } = rig.connect();
    stream.send(released(1));
    await clock.advance(SLOW_READER_MS - 1);
    call.readAll();
    stream.send(released(2));
    await clock.advance(SLOW_READER_MS - 1);
    expect(call.finished).to.equal(undefined);
    await clock.advance(1);
    expect(call.reason).to.equal('SLOW_READER');
    expect(seen.closedCalls).to.equal(1);
  });

  it('leaves a client alone that has read everything, however long ago', async () => {
    const { stream } = rig.connect();
    stream.send(released(1));
    await clock.settle();
    call.readAll();
    await clock.advance(10 * SLOW_READER_MS);
    expect(call.finished).to.equal(undefined);
    expect(clock.pending).to.equal(0);
  });

  it('still ends as the core wanted when the last frames cannot be sent', async () => {
    const { stream, seen } = rig.connect();
    await rig.untilStalled(stream);
    seen.end({ reason: 'DRAINING', message: 'm' });
    await clock.advance(SLOW_READER_MS - 1);
    expect(call.finished).to.equal(undefined);
    await clock.advance(1);
    expect(call.reason).to.equal('DRAINING');
    expect(seen.closedCalls).to.equal(0);
  });
});
