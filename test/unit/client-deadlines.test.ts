import { expect } from 'chai';
import { LeaseLostError } from '../../client/src/errors.js';
import { ClientHarness } from './client-harness.js';

const TTL_MS = 30_000;
const MARGIN_MS = 500;

describe('client: how long a lease may be relied on', () => {
  it('counts from when the request was sent, however late the grant arrives', async () => {
    const harness = await ClientHarness.connected();
    const pending = harness.client.acquire('r', { ttlMs: 10_000 });
    await harness.beat(8_000);
    harness.stream.grantLast({ ttlMs: 10_000, durationMs: 10_000 });
    const lease = await pending;
    expect(lease.remainingMs()).to.be.closeTo(1_500, 0.01);
    expect(lease.state).to.equal('atRisk');
    await harness.clock.advance(1_500);
    expect(lease.state).to.equal('lost');
  });

  it('counts an extension from the beat it is anchored at', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    await harness.clock.advance(1_000);
    const beat = harness.stream.last('heartbeat');
    await harness.clock.advance(900);
    harness.stream.extend(beat.id, beat.id, [{ durationMs: 20_000, requests: [id] }]);
    expect(lease.remainingMs(), 'never moves back').to.be.closeTo(TTL_MS - 1_900 - MARGIN_MS, 0.01);
    harness.stream.extend(0, beat.id, [{ durationMs: TTL_MS, requests: [id] }]);
    expect(lease.remainingMs()).to.be.closeTo(TTL_MS - 900 - MARGIN_MS, 0.01);
  });

  it('takes nothing from an anchor it never sent, or does not remember', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    harness.stream.extend(0, 9_999, [{ durationMs: 60_000, requests: [id] }]);
    harness.stream.extend(0, 0, [{ durationMs: 60_000, requests: [id] }]);
    expect(lease.remainingMs()).to.be.at.most(TTL_MS);
  });

  it('is seen to be over at once after a stall, before any timer has fired', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { ttlMs: TTL_MS });
    const { signal } = lease;
    harness.clock.stall(TTL_MS + 1);
    expect(signal.aborted, 'no timer has fired').to.equal(false);
    expect(() => lease.assertHeld()).to.throw(LeaseLostError);
    expect(signal.aborted).to.equal(true);
    expect(lease.remainingMs()).to.equal(0);
    expect(() => lease.token).to.throw(LeaseLostError);
    expect(() => lease.tokens).to.throw(LeaseLostError);
    expect(lease.state).to.equal('lost');
  });

  it('guards the tokens even after they have been read once', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('orders/42', { ttlMs: TTL_MS });
    expect(lease.token).to.equal(BigInt(id));
    expect(lease.tokens).to.deep.equal(new Map([['orders/42', BigInt(id)]]));
    harness.clock.stall(TTL_MS);
    expect(() => lease.tokens).to.throw(LeaseLostError);
  });

  it('does not come back with an extension that lay unread during a stall', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    await harness.beat(15_000);
    const beat = harness.stream.last('heartbeat');
    harness.clock.stall(16_000);
    harness.stream.extend(beat.id, beat.id, [{ durationMs: TTL_MS, requests: [id] }]);
    expect(lease.state).to.equal('lost');
    expect(lease.remainingMs()).to.equal(0);
  });

  it('is not lost to a stall it survives', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    await harness.beat(10_000);
    harness.clock.stall(10_000);
    await harness.clock.advance(0);
    harness.stream.extendAtBeat(TTL_MS, id);
    expect(lease.state).to.equal('held');
    expect(harness.stream.ended).to.equal(false);
  });

  it('ends where the wall clock ran ahead by more than what remains', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { ttlMs: TTL_MS });
    harness.clock.stepWall(TTL_MS);
    expect(() => lease.assertHeld()).to.throw(LeaseLostError);
  });

  it('ends at the next beat when nobody asks', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { ttlMs: TTL_MS });
    const { signal } = lease;
    harness.clock.stepWall(TTL_MS);
    await harness.clock.advance(1_000);
    expect(signal.aborted).to.equal(true);
    expect(signal.reason).to.be.instanceOf(LeaseLostError);
  });

  it('is shortened by a wall clock that runs ahead, never lengthened by one that is set back', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    harness.clock.stepWall(10_000);
    expect(lease.remainingMs()).to.be.closeTo(TTL_MS - 10_000 - MARGIN_MS, 0.01);
    harness.clock.stepWall(-3_600_000);
    expect(lease.remainingMs()).to.be.closeTo(TTL_MS - MARGIN_MS, 0.01);
    await harness.clock.advance(1_000);
    harness.stream.extendAtBeat(TTL_MS, id);
    harness.clock.stepWall(5_000);
    expect(lease.remainingMs(), 'counted from the new anchor').to.be.closeTo(TTL_MS - 5_000 - MARGIN_MS, 0.01);
  });

  it('comes to be at risk when an extension is overdue by a beat, and recovers with it', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    const states: string[] = [];
    lease.on('state', (state) => states.push(state));
    await harness.beat(15_000);
    expect(states).to.deep.equal([]);
    await harness.beat(1_000);
    expect(states, 'half its time, and a beat').to.deep.equal(['atRisk']);
    expect(() => lease.assertHeld()).not.to.throw();
    harness.stream.extendAtBeat(TTL_MS, id);
    expect(states).to.deep.equal(['atRisk', 'held']);
  });

  it('comes to be at risk at a third where nobody extends it', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { ttlMs: TTL_MS, autoExtend: false });
    expect(harness.stream.last('acquire').value.manualExtension).to.equal(true);
    await harness.beat(19_000);
    expect(lease.state).to.equal('held');
    await harness.beat(1_000);
    expect(lease.state).to.equal('atRisk');
  });

  it('ends for its holder a margin before its validity does, and is given back only after', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    let abortedAtMs = 0;
    const startMs = harness.clock.nowMs();
    lease.signal.addEventListener('abort', () => {
      abortedAtMs = harness.clock.nowMs() - startMs;
    });
    await harness.beat(29_000);
    await harness.clock.advance(499);
    expect(abortedAtMs).to.equal(0);
    await harness.clock.advance(1);
    expect(abortedAtMs).to.be.closeTo(29_500, 0.01);
    await harness.clock.advance(499);
    expect(harness.stream.sent('release')).to.have.length(0);
    await harness.clock.advance(2);
    expect(harness.stream.last('release').value.requestId).to.equal(BigInt(id));
    expect(harness.stream.last('release').atMs - startMs).to.be.at.least(TTL_MS);
  });

  it('stays lost, whatever comes in the margin', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    await harness.beat(29_000);
    await harness.clock.advance(700);
    harness.stream.extendAtBeat(TTL_MS, id);
    expect(lease.state).to.equal('lost');
    await harness.clock.advance(301);
    expect(harness.stream.sent('release')).to.have.length(1);
  });

  it('is told to be lost once, also when the server says so later', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS, autoExtend: false });
    await harness.beat(21_000);
    const states: string[] = [];
    lease.on('state', (state) => states.push(state));
    await harness.beat(8_000);
    await harness.clock.advance(700);
    expect(states).to.deep.equal(['lost']);
    harness.stream.lose(id);
    await harness.clock.advance(1_000);
    expect(states).to.deep.equal(['lost']);
    expect(harness.stream.sent('release')).to.have.length(0);
    expect(harness.engaged).to.equal(false);
  });

  it('takes the margin it is told, and never more than half the TTL', async () => {
    const harness = await ClientHarness.connected({ abortMarginMs: 2_000 });
    const { lease } = await harness.hold('r', { ttlMs: 10_000 });
    expect(lease.remainingMs()).to.be.closeTo(8_000, 0.01);
    const { lease: short } = await harness.hold('s', { ttlMs: 1_000 });
    expect(short.remainingMs()).to.be.closeTo(500, 0.01);
  });

  it('ends at once when the server says so, and is not given back', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    const { signal } = lease;
    harness.stream.lose(id, 2);
    expect(lease.state).to.equal('lost');
    expect(signal.reason).to.include({ how: 'displaced', code: 'LEASE_LOST', resource: 'r', leaseId: lease.id });
    expect(await lease.release()).to.deep.equal({ outcome: 'expired' });
    await harness.clock.advance(40_000);
    expect(harness.streams[0]?.sent('release')).to.have.length(0);
  });

  it('needs no connection to be seen to end', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { ttlMs: TTL_MS });
    const { signal } = lease;
    harness.stream.close();
    await harness.clock.advance(29_500);
    expect(signal.aborted).to.equal(true);
  });

  it('is told to whoever asks for the signal late', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { ttlMs: TTL_MS });
    harness.stream.lose(id);
    expect(lease.signal.aborted).to.equal(true);
    expect(lease.signal.reason).to.be.instanceOf(LeaseLostError);
  });
});
