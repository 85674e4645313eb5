import { expect } from 'chai';
import { ClientHarness } from './client-harness.js';
import { leaseIdOf } from './client-scripted-stream.js';

/** The hash as the protocol defines it, from whole lease ids. */
function hashOf(...requests: readonly number[]): bigint {
  return requests
    .map((request) => BigInt(`0x${leaseIdOf(request).replaceAll('-', '').slice(16)}`))
    .reduce((all, one) => all ^ one, 0n);
}

describe('client: heartbeats', () => {
  it('come at the interval told last', async () => {
    const harness = await ClientHarness.connected();
    await harness.beat(3_000);
    expect(harness.stream.sent('heartbeat')).to.have.length(3);
    await harness.hold('r', { ttlMs: 1_200 }, { heartbeatIntervalMs: 200 });
    await harness.clock.advance(200);
    expect(harness.stream.sent('heartbeat')).to.have.length(4);
    const { id } = harness.stream.last('heartbeat');
    harness.stream.say(id, { $case: 'extended', value: { anchor: 0n, groups: [], heartbeatIntervalMs: 2_500 } });
    await harness.clock.advance(2_499);
    expect(harness.stream.sent('heartbeat')).to.have.length(4);
    await harness.clock.advance(1);
    expect(harness.stream.sent('heartbeat')).to.have.length(5);
  });

  it('say what is held: by count, by hash, and as of which push', async () => {
    const harness = await ClientHarness.connected();
    const { id: a } = await harness.hold('a');
    const { id: b } = await harness.hold('b');
    const { id: c, lease } = await harness.hold('c');
    await harness.clock.advance(1_000);
    expect(harness.stream.last('heartbeat').value).to.deep.equal({
      pushSeen: 3n,
      heldCount: 3,
      heldHash: hashOf(a, b, c),
    });
    harness.stream.extendAtBeat(30_000, a, b, c);
    void lease.release();
    harness.stream.lose(a);
    await harness.clock.advance(1_000);
    expect(harness.stream.last('heartbeat').value).to.deep.equal({ pushSeen: 4n, heldCount: 1, heldHash: hashOf(b) });
    expect(harness.stream.last('release').id).to.be.lessThan(harness.stream.last('heartbeat').id);
  });

  it('count a lease that is lost for its holder until it is given back', async () => {
    const harness = await ClientHarness.connected({ abortMarginMs: 5_000 });
    const { id, lease } = await harness.hold('r', { ttlMs: 10_000 });
    await harness.beat(6_000);
    expect(lease.state).to.equal('lost');
    expect(harness.stream.last('heartbeat').value).to.deep.include({ heldCount: 1, heldHash: hashOf(id) });
    await harness.beat(5_000);
    expect(harness.stream.last('heartbeat').value).to.deep.include({ heldCount: 0, heldHash: 0n });
  });

  it('are followed by the list of what was held at the time, when the server asks', async () => {
    const harness = await ClientHarness.connected();
    const { id: kept } = await harness.hold('kept');
    const { lease, id: released } = await harness.hold('released');
    await harness.clock.advance(1_000);
    const beat = harness.stream.last('heartbeat');
    void lease.release();
    await harness.hold('later');
    harness.stream.say(beat.id, { $case: 'heldListRequested', value: {} });
    await harness.clock.settle();
    expect(harness.stream.sent('heldList').map(({ value }) => value)).to.deep.equal([
      { heartbeatId: BigInt(beat.id), requestIds: [BigInt(kept), BigInt(released)], last: true },
    ]);
  });

  it('are followed by an empty list when nothing was held', async () => {
    const harness = await ClientHarness.connected();
    await harness.clock.advance(1_000);
    const { id } = harness.stream.last('heartbeat');
    harness.stream.say(id, { $case: 'heldListRequested', value: {} });
    await harness.clock.settle();
    expect(harness.stream.last('heldList').value).to.deep.equal({
      heartbeatId: BigInt(id),
      requestIds: [],
      last: true,
    });
  });

  it('are followed by a long list in pieces', async () => {
    const harness = await ClientHarness.connected({}, 1, { maxMessageBytes: 16_384 });
    const pending = Array.from({ length: 2_000 }, (_, index) => harness.client.acquire(`r${index}`));
    await harness.clock.settle();
    const requests = harness.stream.sent('acquire').map(({ id }) => id);
    for (const id of requests) harness.stream.grant(id);
    await Promise.all(pending);
    await harness.clock.advance(1_000);
    const { id, value } = harness.stream.last('heartbeat');
    expect(value).to.deep.include({ heldCount: 2_000, heldHash: hashOf(...requests) });
    harness.stream.say(id, { $case: 'heldListRequested', value: {} });
    await harness.clock.settle();
    const lists = harness.stream.sent('heldList').map((sent) => sent.value);
    expect(lists.flatMap(({ requestIds }) => requestIds)).to.deep.equal(requests.map(BigInt));
    expect(lists.map(({ last }) => last)).to.deep.equal([false, true]);
  });

  it('give up a stream on which nothing was heard for three of them', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    await harness.clock.advance(3_999);
    expect(harness.stream.ended).to.equal(false);
    await harness.clock.advance(1);
    expect(harness.streams[0]?.ended).to.equal(true);
    expect(harness.states.at(-1)).to.equal('reconnecting');
    const stream = await harness.reconnect();
    expect(stream.last('resume').value.entries[0]?.requestId).to.equal(BigInt(id));
    expect(lease.state).to.equal('held');
  });

  it('do not take a stall of this process for a silent server', async () => {
    const harness = await ClientHarness.connected();
    await harness.hold('r', { ttlMs: 60_000 });
    harness.clock.stall(20_000);
    await harness.clock.advance(0);
    expect(harness.stream.ended).to.equal(false);
  });

  it('go on with the stream that answers any of them', async () => {
    const harness = await ClientHarness.connected();
    await harness.beat(30_000);
    expect(harness.streams).to.have.length(1);
  });
});
