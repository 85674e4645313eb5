import { expect } from 'chai';
import { readFailure } from '../../client/src/transport/failure-details.js';
import type { FailureReason } from '../../server/src/core/failure.js';
import { wireStatus } from '../../server/src/rpc/failure-status.js';
import { ClientHarness, rejectionOf } from './client-harness.js';

const failure = (reason: FailureReason, message = 'no') => readFailure(wireStatus({ reason, message }));

describe('client: connecting', () => {
  it('opens with the protocol version, its name and namespace', async () => {
    const harness = await ClientHarness.connected({ clientName: 'invoicer', namespace: 'billing' });
    const { value } = harness.stream.last('open');
    expect(value).to.include({ protocolVersion: 1, clientName: 'invoicer', namespace: 'billing', resume: false });
    expect(value.sessionId).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(value.sessionSecret).to.have.length(16);
    expect(harness.client).to.include({ state: 'connected', name: 'invoicer', sessionId: value.sessionId });
    expect(harness.engaged).to.equal(false);
  });

  it('sends nothing before there is a connection', async () => {
    const harness = new ClientHarness();
    void harness.client.open(10_000);
    await harness.clock.advance(1_000);
    expect(harness.stream.messages).to.have.length(0);
    expect(harness.engaged).to.equal(true);
  });

  it('gives up after its time, with the reason', async () => {
    const harness = new ClientHarness();
    const rejection = rejectionOf(harness.client.open(5_000));
    harness.stream.close({ message: 'ECONNREFUSED' });
    for (let passed = 0; passed < 10; passed += 1) {
      await harness.clock.advance(500);
      harness.stream.close({ message: 'ECONNREFUSED' });
    }
    const error = await rejection;
    expect(error).to.include({ code: 'UNAVAILABLE' });
    expect(error.message).to.equal('no server answered within 5000 ms: ECONNREFUSED');
    expect(harness.client.state).to.equal('closed');
    expect(harness.engaged).to.equal(false);
    const attempts = harness.streams.length;
    await harness.clock.advance(10_000);
    expect(harness.streams).to.have.length(attempts);
  });

  it('tries the next target when one does not answer', async () => {
    const harness = new ClientHarness({}, 3);
    const opening = harness.client.open(10_000);
    expect(harness.stream.target).to.equal(0);
    harness.stream.close();
    await harness.clock.advance(10);
    expect(harness.stream.target).to.equal(1);
    harness.stream.ready();
    await harness.clock.advance(3_100);
    expect(harness.streams[1]?.ended, 'connected, and then silent').to.equal(true);
    expect(harness.stream.target).to.equal(2);
    await harness.clock.advance(3_200);
    expect(harness.streams[2]?.ended, 'never connected').to.equal(true);
    expect(harness.stream.target).to.equal(0);
    harness.stream.ready();
    harness.stream.opened();
    await opening;
  });

  it('tries every target at once before it pauses', async () => {
    const harness = new ClientHarness({}, 4);
    const opening = harness.client.open(10_000);
    for (const target of [0, 1, 2, 3, 0]) {
      expect(harness.stream.target).to.equal(target);
      harness.stream.close();
      await harness.clock.advance(10);
    }
    expect(harness.streams).to.have.length(5);
    await harness.clock.advance(90);
    expect(harness.stream.target).to.equal(1);
    harness.stream.ready();
    harness.stream.opened();
    await opening;
  });

  it('leaves a target that refuses for good to the others, and fails when all do', async () => {
    const harness = await ClientHarness.connected({}, 3);
    await harness.clock.advance(3_000);
    harness.stream.close();
    for (const statusCode of [12, 3]) {
      await harness.clock.advance(10);
      harness.stream.close({ statusCode, message: 'refused' });
      expect(harness.client.state).to.equal('reconnecting');
    }
    await harness.reconnect();
    expect(harness.client.state).to.equal('connected');
    await harness.clock.advance(3_000);
    harness.stream.close();
    for (const statusCode of [12, 3, 9]) {
      await harness.clock.advance(10);
      harness.stream.close({ statusCode, message: 'refused' });
    }
    expect(harness.client.state).to.equal('failed');
  });

  it('pauses longer after every failure, jittered, up to a bound', async () => {
    const harness = await ClientHarness.connected();
    await harness.clock.advance(3_000);
    const pauses: number[] = [];
    for (let failures = 0; failures < 12; failures += 1) {
      const before = harness.streams.length;
      const brokenAtMs = harness.clock.nowMs();
      harness.stream.close();
      while (harness.streams.length === before) await harness.clock.advance(1);
      pauses.push(harness.clock.nowMs() - brokenAtMs);
    }
    expect(pauses[0]).to.be.at.most(10);
    for (const [index, pause] of pauses.slice(1).entries()) {
      const ceilingMs = Math.min(2_000, 50 * 2 ** (index + 1));
      expect(pause).to.be.within(ceilingMs / 2, ceilingMs + 1);
    }
  });

  it('begins anew with short pauses after a stream that lasted', async () => {
    const harness = await ClientHarness.connected();
    for (let breaks = 0; breaks < 5; breaks += 1) {
      await harness.clock.advance(2_500);
      await harness.breakAndReconnect();
    }
    expect(harness.states.at(-1)).to.equal('connected');
  });

  it('tells its state', async () => {
    const harness = await ClientHarness.connected();
    await harness.breakAndReconnect();
    expect(harness.states.slice(0, 3)).to.deep.equal(['connected', 'reconnecting', 'connected']);
  });

  for (const [statusCode, reason, code] of [
    [3, 'FIELD_INVALID', 'INVALID_ARGUMENT'],
    [3, 'FRAME_ID_NOT_RISING', 'PROTOCOL'],
    [7, 'SESSION_SECRET_MISMATCH', 'ACCESS_DENIED'],
    [9, 'PROTOCOL_VERSION_UNSUPPORTED', 'PROTOCOL'],
    [12, undefined, 'PROTOCOL'],
    [16, undefined, 'ACCESS_DENIED'],
  ] as const) {
    it(`fails for good with status ${statusCode} ${reason ?? ''}, and leaves leases their validity`, async () => {
      const harness = await ClientHarness.connected();
      const { lease } = await harness.hold('held', { ttlMs: 10_000 });
      const { lease: released } = await harness.hold('released', { ttlMs: 10_000 });
      const releasing = released.release();
      const waiting = rejectionOf(harness.client.acquire('r'));
      const details = reason === undefined ? {} : { failure: failure(reason, 'refused') };
      harness.stream.close({ statusCode, message: 'refused', ...details });
      expect(await waiting).to.include({ code });
      expect((await waiting).message).to.contain('refused');
      expect(await releasing).to.deep.equal({ outcome: 'unknown' });
      expect(await rejectionOf(harness.client.acquire('s'))).to.include({ code });
      expect(harness.client.state).to.equal('failed');
      expect(lease.state).to.equal('held');
      await harness.clock.advance(9_500);
      expect(lease.state).to.equal('lost');
      expect(harness.streams).to.have.length(1);
      await harness.clock.advance(1_000);
      expect(harness.engaged).to.equal(false);
    });
  }

  it('fails for good when the server speaks another version', async () => {
    const harness = new ClientHarness();
    const rejection = rejectionOf(harness.client.open(10_000));
    harness.stream.ready();
    const value = { protocolVersion: 2, serverId: 's', heartbeatIntervalMs: 1_000, limits: undefined };
    harness.stream.say(1, { $case: 'opened', value });
    expect(await rejection).to.include({ code: 'PROTOCOL' });
  });

  for (const [statusCode, reason] of [
    [0, undefined],
    [2, undefined],
    [8, 'SLOW_READER'],
    [10, 'SESSION_SUPERSEDED'],
    [13, 'INTERNAL'],
    [14, 'DRAINING'],
  ] as const) {
    it(`comes back after status ${statusCode} ${reason ?? ''}`, async () => {
      const harness = await ClientHarness.connected();
      const details = reason === undefined ? {} : { failure: failure(reason) };
      harness.stream.close({ statusCode, ...details });
      expect(harness.client.state).to.equal('reconnecting');
      await harness.reconnect();
      expect(harness.client.state).to.equal('connected');
    });
  }

  it('waits as long as its only server asks for, within reason', async () => {
    const harness = await ClientHarness.connected();
    harness.stream.close({ statusCode: 8, failure: { ...failure('LIMIT_REACHED'), retryAfterMs: 700 } });
    await harness.clock.advance(699);
    expect(harness.streams).to.have.length(1);
    await harness.clock.advance(1);
    expect(harness.streams).to.have.length(2);
  });

  it('takes a server that violates the protocol for one that is gone', async () => {
    const harness = await ClientHarness.connected();
    const waiting = rejectionOf(harness.client.acquire('r'));
    await harness.clock.settle();
    harness.stream.grantLast({ tokens: [] });
    expect(await waiting).to.include({ code: 'PROTOCOL' });
    await harness.clock.settle();
    expect(harness.stream.sent('release')).to.have.length(1);
  });
});

describe('client: draining', () => {
  it('resumes on another server before it leaves the old one', async () => {
    const harness = await ClientHarness.connected({}, 2);
    const { lease, id } = await harness.hold('r');
    const [old] = harness.streams;
    old?.say(0, { $case: 'draining', value: { remainingMs: 10_000 } });
    expect(harness.client.state).to.equal('draining');
    expect(harness.stream.target).to.equal(1);
    expect(old?.ended).to.equal(false);
    await harness.clock.advance(1_000);
    expect(old?.sent('heartbeat'), 'the old one still carries the lease').to.have.length(1);
    harness.stream.ready();
    expect(old?.ended).to.equal(true);
    expect(harness.stream.last('resume').value.entries[0]?.requestId).to.equal(BigInt(id));
    harness.stream.opened();
    harness.stream.resumed({ request: id, outcome: 1, durationMs: 30_000 });
    expect(harness.client.state).to.equal('connected');
    expect(lease.state).to.equal('held');
  });

  it('stays while no other server can be reached, and leaves the draining one alone', async () => {
    const harness = await ClientHarness.connected({}, 3);
    const [old] = harness.streams;
    old?.say(0, { $case: 'draining', value: { remainingMs: 10_000 } });
    for (let failures = 0; failures < 4; failures += 1) {
      harness.stream.close();
      await harness.clock.advance(500);
    }
    expect(harness.streams.slice(1).map(({ target }) => target)).to.deep.equal([1, 2, 1, 2, 1]);
    expect(old?.ended).to.equal(false);
    expect(harness.client.state).to.equal('draining');
  });

  it('moves before a connection is closed from the other end', async () => {
    for (const targetCount of [1, 2]) {
      const harness = await ClientHarness.connected({}, targetCount);
      const { lease, id } = await harness.hold('r');
      const [old] = harness.streams;
      old?.closing();
      expect(harness.stream.target).to.equal(targetCount - 1);
      expect(old?.ended).to.equal(false);
      harness.stream.ready();
      expect(old?.ended).to.equal(true);
      old?.closing();
      harness.stream.opened();
      harness.stream.resumed({ request: id, outcome: 1, durationMs: 30_000 });
      expect(harness.streams).to.have.length(2);
      expect(harness.states).to.deep.equal(['connected']);
      expect(lease.state).to.equal('held');
    }
  });

  it('goes back to it once its stream has ended', async () => {
    const harness = await ClientHarness.connected({}, 2);
    const [old] = harness.streams;
    old?.say(0, { $case: 'draining', value: { remainingMs: 10_000 } });
    harness.stream.close();
    old?.close();
    for (let failures = 0; failures < 2; failures += 1) {
      await harness.clock.advance(500);
      harness.stream.close();
    }
    expect(harness.streams.slice(1).map(({ target }) => target)).to.deep.equal([1, 0, 1]);
  });

  it('leaves as soon as no other server is found behind its only target, and comes back when one is', async () => {
    const harness = await ClientHarness.connected();
    const [old] = harness.streams;
    old?.say(0, { $case: 'draining', value: { remainingMs: 10_000 } });
    expect(harness.streams).to.have.length(2);
    expect(old?.ended).to.equal(false);
    harness.stream.close({ message: 'ECONNREFUSED' });
    expect(old?.ended).to.equal(true);
    expect(harness.client.state).to.equal('reconnecting');
    await harness.clock.advance(50);
    expect(harness.streams).to.have.length(3);
    harness.stream.close({ failure: failure('DRAINING') });
    await harness.clock.advance(1_000);
    harness.stream.ready();
    harness.stream.opened();
    await harness.clock.settle();
    expect(harness.client.state).to.equal('connected');
  });
});
