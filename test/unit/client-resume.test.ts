import { Denied_Reason, ResumedLease_Outcome } from '@holdfast/protocol';
import { expect } from 'chai';
import { ClientHarness, outcomeOf, rejectionOf } from './client-harness.js';

const HELD = 1;
const OPEN = 2;
const GIVEN_UP = 3;

describe('client: resume', () => {
  it('opens without resume when it has nothing', async () => {
    const harness = await ClientHarness.connected();
    const first = harness.stream.last('open').value;
    expect(first.resume).to.equal(false);
    const stream = await harness.breakAndReconnect();
    const second = stream.last('open').value;
    expect(second.resume).to.equal(false);
    expect(stream.sent('resume')).to.have.length(0);
    expect(second).to.deep.include({ sessionId: first.sessionId, sessionSecret: first.sessionSecret });
  });

  it('lists every lease with its token and its secrets, and a new one', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('orders/42', { ttlMs: 20_000 });
    const { secret } = harness.stream.last('acquire').value;
    const stream = await harness.breakAndReconnect();
    expect(stream.last('open').value.resume).to.equal(true);
    const { entries, last } = stream.last('resume').value;
    expect(last).to.equal(true);
    expect(entries).to.have.length(1);
    const [entry] = entries;
    expect(entry).to.deep.include({ claim: HELD, requestId: BigInt(id), leaseId: lease.id, tokens: [lease.token] });
    expect(entry?.acquire).to.deep.include({ resources: [{ name: 'orders/42' }], ttlMs: 20_000n });
    expect(entry?.acquire?.earlierSecrets).to.deep.equal([secret]);
    expect(entry?.acquire?.secret).not.to.deep.equal(secret);
  });

  it('goes on with an adopted lease: same token, counted as held once the server has said so', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const { token } = lease;
    const stream = await harness.breakAndReconnect();
    await harness.clock.advance(1_000);
    expect(stream.last('heartbeat').value).to.include({ heldCount: 0, pushSeen: 0n });
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_HELD, durationMs: 30_000 });
    await harness.clock.advance(1_000);
    expect(stream.last('heartbeat').value).to.include({ heldCount: 1, pushSeen: 1n });
    expect(lease.token).to.equal(token);
    expect(lease.remainingMs()).to.be.closeTo(30_000 - 2_000 - 500, 0.01);
  });

  it('learns of a lease that is gone', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const stream = await harness.breakAndReconnect();
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_LOST });
    expect(lease.state).to.equal('lost');
    await harness.clock.settle();
    expect(stream.sent('release')).to.have.length(0);
  });

  it('relies on a lease the store could not tell of until its own deadline, and no longer', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const stream = await harness.breakAndReconnect();
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_UNKNOWN });
    expect(lease.state).to.equal('held');
    await harness.beat(29_000);
    expect(stream.last('heartbeat').value.heldCount).to.equal(1);
    await harness.clock.advance(600);
    expect(lease.state).to.equal('lost');
  });

  it('takes a later extension of such a lease', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const stream = await harness.breakAndReconnect();
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_UNKNOWN });
    await harness.beat(20_000, 30_000, id);
    expect(lease.remainingMs()).to.be.greaterThan(29_000);
  });

  it('keeps the place of a request that waits, under its old id', async () => {
    const harness = await ClientHarness.connected();
    const pending = harness.client.acquire('r', { waitMs: 10_000 });
    await harness.clock.settle();
    const { id, value } = harness.stream.last('acquire');
    await harness.clock.advance(1_000);
    const stream = await harness.breakAndReconnect();
    const [entry] = stream.last('resume').value.entries;
    expect(entry).to.deep.include({ claim: OPEN, requestId: BigInt(id), tokens: [] });
    expect(entry?.acquire).to.deep.include({ waitMs: 8_990n, earlierSecrets: [value.secret] });
    expect(stream.sent('acquire')).to.have.length(0);
    stream.grant(id, { anchor: stream.last('resume').id });
    expect((await pending).token).to.equal(BigInt(id));
  });

  it('lists what was given up without an answer, for one TTL', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    const { lease, id: released } = await harness.hold('released', { ttlMs: 10_000 });
    const aborting = new AbortController();
    const rejection = rejectionOf(harness.client.acquire('cancelled', { ttlMs: 10_000, signal: aborting.signal }));
    await harness.clock.settle();
    const { id: cancelled } = harness.stream.last('acquire');
    harness.stream.close();
    void lease.release();
    aborting.abort();
    await rejection;
    const stream = await harness.reconnect();
    const entries = stream.last('resume').value.entries.map(({ claim, requestId }) => [claim, Number(requestId)]);
    expect(entries).to.deep.equal([
      [GIVEN_UP, released],
      [GIVEN_UP, cancelled],
    ]);
    stream.close();
    await harness.clock.advance(10_001);
    harness.stream.ready();
    expect(harness.stream.last('open').value.resume).to.equal(false);
  });

  it('resolves a release by what Resumed says', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    const { lease, id } = await harness.hold('r');
    harness.stream.close();
    const releasing = lease.release();
    expect(await outcomeOf(releasing)).to.equal('pending');
    const stream = await harness.reconnect();
    expect(stream.last('resume').value.entries[0]?.claim).to.equal(GIVEN_UP);
    expect(stream.sent('release')).to.have.length(0);
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_RELEASED });
    expect(await releasing).to.deep.equal({ outcome: 'released' });
    const next = await harness.breakAndReconnect();
    expect(next.last('open').value.resume).to.equal(false);
  });

  it('resolves a release whose Release left on the stream that broke', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const releasing = lease.release();
    await harness.clock.settle();
    expect(harness.stream.sent('release')).to.have.length(1);
    const stream = await harness.breakAndReconnect();
    expect(stream.last('resume').value.entries[0]?.claim).to.equal(GIVEN_UP);
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_RELEASED });
    expect(await releasing).to.deep.equal({ outcome: 'released' });
  });

  it('takes nothing from an anchor of an older stream', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    await harness.clock.advance(1_000);
    const beat = harness.stream.last('heartbeat');
    const stream = await harness.breakAndReconnect();
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_UNKNOWN });
    const beforeMs = lease.remainingMs();
    stream.extend(0, beat.id, [{ durationMs: 60_000, requests: [id] }]);
    expect(lease.remainingMs()).to.equal(beforeMs);
  });

  it('releases a lease that was listed as held and given back before the answer', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const stream = await harness.breakAndReconnect();
    const releasing = lease.release();
    await harness.clock.settle();
    expect(stream.last('release').value.requestId).to.equal(BigInt(id));
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_HELD, durationMs: 30_000 });
    expect(await outcomeOf(releasing)).to.equal('pending');
    stream.released();
    expect(await releasing).to.deep.equal({ outcome: 'released' });
    await harness.clock.advance(1_000);
    expect(stream.last('heartbeat').value.heldCount).to.equal(0);
  });

  it('sends nothing but Open and Resume before the server has answered', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r');
    harness.stream.close();
    await harness.clock.advance(10);
    const { stream } = harness;
    stream.ready();
    void lease.release();
    const pending = harness.client.acquire('s');
    await harness.clock.settle();
    expect(stream.messages.flat().map(({ kind }) => kind?.$case)).to.deep.equal(['open', 'resume']);
    stream.opened();
    await harness.clock.settle();
    expect(stream.messages.flat().map(({ kind }) => kind?.$case)).to.deep.equal([
      'open',
      'resume',
      'release',
      'acquire',
    ]);
    stream.grantLast();
    expect((await pending).state).to.equal('held');
  });

  it('ignores an older stream from the moment it opens another', async () => {
    const harness = await ClientHarness.connected({}, 2);
    const { lease, id } = await harness.hold('r');
    const pending = harness.client.acquire('s');
    await harness.clock.settle();
    const waiting = harness.stream.last('acquire').id;
    const old = harness.stream;
    old.say(0, { $case: 'draining', value: { remainingMs: 10_000 } });
    await harness.clock.settle();
    expect(harness.streams).to.have.length(2);
    harness.stream.ready();
    old.lose(id);
    old.grant(waiting);
    old.deny(waiting, Denied_Reason.REASON_HELD);
    expect(lease.state).to.equal('held');
    expect(await outcomeOf(pending)).to.equal('pending');
  });

  for (const [maxMessageBytes, frames] of [
    [65_536, 14],
    [16_384, 56],
  ] as const) {
    it(`fits any number of leases into messages of at most ${maxMessageBytes} bytes, each lease once`, async () => {
      const harness = await ClientHarness.connected({}, 1, { maxMessageBytes });
      const name = (index: number): string => `${'ä'.repeat(120)}/${index}`;
      const pending = Array.from({ length: 2_000 }, (_, index) => harness.client.acquire(name(index)));
      await harness.clock.settle();
      const requests = harness.stream.sent('acquire').map(({ id }) => id);
      for (const id of requests) harness.stream.grant(id);
      await Promise.all(pending);
      harness.stream.close();
      await harness.clock.advance(10);
      const { stream } = harness;
      stream.maxMessageBytes = maxMessageBytes;
      stream.ready();
      const resumes = stream.sent('resume').map(({ value }) => value);
      expect(resumes.length).to.be.within(frames * 0.8, frames * 1.2);
      expect(resumes.map(({ last }) => last)).to.deep.equal(resumes.map((_, index) => index === resumes.length - 1));
      expect(resumes.flatMap(({ entries }) => entries.map(({ requestId }) => Number(requestId)))).to.deep.equal(
        requests,
      );
    });
  }

  it('gives back what was lost while there was no connection', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    const { lease, id } = await harness.hold('r', { ttlMs: 5_000 });
    harness.stream.close();
    await harness.clock.advance(4_900);
    expect(lease.state).to.equal('lost');
    harness.stream.close();
    await harness.clock.advance(10);
    harness.stream.ready();
    expect(harness.stream.last('resume').value.entries[0], 'its validity still runs').to.deep.include({ claim: HELD });
    harness.stream.close();
    await harness.clock.advance(200);
    harness.stream.ready();
    const [entry] = harness.stream.last('resume').value.entries;
    expect(entry).to.deep.include({ claim: GIVEN_UP, requestId: BigInt(id) });
  });

  it('asks again for the extension somebody waits for', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { autoExtend: false });
    harness.stream.close();
    const extending = lease.extend();
    const stream = await harness.reconnect();
    expect(stream.sent('extend')).to.have.length(0);
    stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_HELD, durationMs: 20_000 });
    await harness.clock.settle();
    const extend = stream.last('extend');
    stream.extend(extend.id, extend.id, [{ durationMs: 30_000, requests: [id] }]);
    await extending;
    expect(lease.remainingMs()).to.be.closeTo(29_500, 0.01);
  });
});
