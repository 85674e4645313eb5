import { expect } from 'chai';
import { CoreRig, hash, type request } from '../support/core-rig.js';

describe('core: leases', () => {
  it('grants a free resource with a validity anchored at a frame the client sent (S3)', async () => {
    const rig = new CoreRig();
    const client = await rig.client('invoicer');
    const id = client.acquire('orders/42', { ttlMs: 10_000 });
    await rig.clock.settle();
    const granted = client.answer('granted', id);
    expect(granted.validity).to.deep.equal({ anchor: id, durationMs: 9_895 });
    expect(granted.ttlMs).to.equal(10_000);
    expect(granted.tokens[0]).to.be.a('bigint');
  });

  it('counts the time the store took off the validity', async () => {
    const rig = new CoreRig();
    const client = await rig.client('invoicer');
    rig.store.answerDelayMs = () => 3_000;
    const id = client.acquire('orders/42', { ttlMs: 10_000 });
    await rig.clock.advance(3_000);
    expect(client.answer('granted', id).validity).to.deep.equal({ anchor: id, durationMs: 9_895 });
    await rig.clock.advance(6_999);
    expect(client.all('lost')).to.have.length(0);
    await rig.clock.advance(1);
    expect(client.all('lost').map((lost) => lost.reason)).to.deep.equal(['expired']);
  });

  it('does not deliver a grant with too little validity left, and tries again', async () => {
    const rig = new CoreRig();
    const client = await rig.client('invoicer');
    rig.store.answerDelayMs = () => 950;
    const id = client.acquire('orders/42', { ttlMs: 1_000, waitMs: 20_000 });
    await rig.clock.advance(950);
    expect(client.all('granted')).to.have.length(0);
    rig.store.answerDelayMs = () => 0;
    await rig.clock.advance(1_000);
    expect(client.answer('granted', id).validity.durationMs).to.be.greaterThan(100);
  });

  it('refuses a try at a held resource, naming the holder', async () => {
    const rig = new CoreRig();
    const first = await rig.client('invoicer-3');
    const second = await rig.client('invoicer-4');
    first.acquire('orders/42');
    await rig.clock.advance(2_000);
    const id = second.acquire('orders/42');
    const denied = second.answer('denied', id);
    expect(denied.reason).to.equal('held');
    expect(denied.holder).to.include({ clientName: 'invoicer-3', heldMs: 2_000 });
  });

  it('hands a released resource to the first waiter in one store call, with a greater token (S2)', async () => {
    const rig = new CoreRig();
    const first = await rig.client('a');
    const second = await rig.client('b');
    const held = first.acquire('r');
    await rig.clock.settle();
    const waiting = second.acquire('r', { waitMs: 5_000 });
    await rig.clock.advance(100);
    expect(second.answer('queued', waiting)).to.include({ position: 1 });
    expect(rig.store.nominations).to.have.length(1);
    const release = first.release(held);
    await rig.clock.settle();
    expect(first.answer('released', release).outcome).to.equal('released');
    const token = second.answer('granted', waiting).tokens[0] ?? 0n;
    expect(token > (first.answer('granted', held).tokens[0] ?? 0n)).to.equal(true);
  });

  it('serves waiters first in, first out, passing over those whose client is gone (L2)', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    const held = holder.acquire('r');
    await rig.clock.settle();
    const waiters = await Promise.all(['a', 'b', 'c'].map((name) => rig.client(name)));
    const ids = waiters.map((waiter) => waiter.acquire('r', { waitMs: 60_000 }));
    waiters[0]?.cut();
    holder.release(held);
    await rig.clock.settle();
    expect(waiters.map((waiter) => waiter.all('granted').length)).to.deep.equal([0, 1, 0]);
    waiters[1]?.release(ids[1] ?? 0);
    await rig.clock.settle();
    expect(waiters.map((waiter) => waiter.all('granted').length)).to.deep.equal([0, 1, 1]);
  });

  it('passes over a waiter that has not been heard of for three intervals, until it beats', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    const held = holder.acquire('r', { ttlMs: 60_000 });
    const waiter = await rig.client('waiter');
    const id = waiter.acquire('r', { waitMs: 60_000 });
    await rig.clock.advance(16_000);
    holder.release(held);
    await rig.clock.settle();
    expect(waiter.all('granted')).to.have.length(0);
    const beat = waiter.beat();
    await rig.clock.settle();
    expect(waiter.answer('granted', id).validity.anchor).to.equal(beat);
  });

  it('tells a waiter when its wait is over, and who held the resource', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    holder.acquire('r');
    const waiter = await rig.client('waiter');
    const id = waiter.acquire('r', { waitMs: 3_000 });
    await rig.clock.advance(2_999);
    expect(waiter.all('denied')).to.have.length(0);
    await rig.clock.advance(1);
    const denied = waiter.answer('denied', id);
    expect(denied).to.include({ reason: 'wait_expired', position: 1 });
    expect(denied.holder?.clientName).to.equal('holder');
  });

  it('answers a cancelled acquire once, also when its grant is under way (S5)', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    rig.store.answerDelayMs = () => 100;
    const id = client.acquire('r', { waitMs: 5_000 });
    client.say({ kind: 'cancel', requestId: id });
    await rig.clock.advance(1_000);
    expect(client.answer('denied', id).reason).to.equal('cancelled');
    expect(client.all('granted')).to.have.length(0);
    expect([...rig.store.storedLeases()]).to.have.length(0);
  });

  it('lets a lapsed lease be, and grants the resource only when the store lets go (L3)', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    holder.acquire('r', { ttlMs: 10_000 });
    const waiter = await rig.client('waiter');
    const id = waiter.acquire('r', { waitMs: 60_000 });
    holder.cut();
    for (let beats = 0; beats < 10; beats += 1) {
      await rig.clock.advance(1_000);
      waiter.beat();
    }
    expect(waiter.all('granted')).to.have.length(0);
    await rig.clock.advance(110);
    expect(waiter.answer('granted', id)).to.not.equal(undefined);
    expect(rig.telemetry.ends).to.deep.equal(['expired']);
  });

  it('never revives a lapsed lease by a late beat (S4)', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r', { ttlMs: 10_000 });
    await rig.clock.settle();
    rig.clock.stall(10_001);
    client.beat();
    await rig.clock.settle();
    expect(client.all('lost')).to.have.length(1);
    expect(client.all('extended').every((frame) => frame.groups.length === 0)).to.equal(true);
  });

  it('frees everything on Close, answers it, and ends the stream', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r1');
    client.acquire('r2');
    await rig.clock.settle();
    const id = client.say({ kind: 'close' });
    await rig.clock.settle();
    expect(client.answer('closed', id)).to.not.equal(undefined);
    expect(client.ended).to.deep.equal({ failure: undefined });
    expect([...rig.store.storedLeases()]).to.have.length(0);
    expect(rig.core.sizes()).to.include({
      sessionsAttached: 0,
      sessionsDetached: 0,
      leases: 0,
      resources: 0,
      timers: 0,
    });
    expect(rig.core.openStreams()).to.equal(0);
  });

  it('fails a try at once when the store cannot answer, and keeps waiting for those who wait', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    rig.store.unavailable = true;
    const attempt = client.acquire('r');
    const patient = client.acquire('s', { waitMs: 10_000 });
    await rig.clock.settle();
    expect(client.answer('failed', attempt).failure).to.include({ reason: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 });
    rig.store.unavailable = false;
    await rig.clock.advance(500);
    expect(client.answer('granted', patient)).to.not.equal(undefined);
    const kinds = rig.telemetry.events.map((event) => event.kind);
    expect(kinds).to.include.members(['store_unavailable', 'store_available']);
  });

  it('says of a try what the store said to those who wait for it, not that somebody holds the resource', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    rig.store.unavailable = true;
    const patient = client.acquire('r', { waitMs: 10_000 });
    await rig.clock.settle();
    const attempt = client.acquire('r');
    await rig.clock.settle();
    expect(client.answer('failed', attempt).failure).to.include({
      reason: 'STORE_UNAVAILABLE',
      message: 'the store cannot answer: switched off',
    });
    rig.store.unavailable = false;
    await rig.clock.advance(500);
    const second = client.acquire('r');
    client.acquire('r', { waitMs: 10_000 });
    await rig.clock.settle();
    expect(client.answer('denied', second).reason).to.equal('held');
    client.release(patient);
    const third = client.acquire('r');
    await rig.clock.settle();
    expect(client.answer('denied', third).reason).to.equal('held');
  });

  it('keeps FIFO order among a thousand waiters with cancels in between', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    let current = holder.acquire('r', { ttlMs: 60_000 });
    const crowd = await rig.client('crowd');
    await rig.clock.settle();
    const ids: number[] = [];
    for (let i = 0; i < 1_000; i += 1) ids.push(crowd.acquire('r', { waitMs: 60_000 }));
    const kept = ids.filter((id, index) => {
      if (index % 3 !== 1) return true;
      crowd.say({ kind: 'cancel', requestId: id });
      return false;
    });
    holder.release(current);
    await rig.clock.settle();
    for (const id of kept) {
      expect(crowd.all('granted').at(-1)?.id).to.equal(id);
      current = id;
      crowd.release(current);
      await new Promise<void>((resolve) => setImmediate(resolve));
      await rig.clock.settle();
    }
    expect(rig.core.sizes()).to.include({ leases: 0, waiters: 0, resources: 0 });
  }).timeout(20_000);

  it('tells waiters their places, and when they move up, in few frames', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    const held = holder.acquire('r');
    const crowd = await rig.client('crowd');
    const ids = [1, 2, 3].map(() => crowd.acquire('r', { waitMs: 60_000 }));
    await rig.clock.advance(100);
    holder.release(held);
    await rig.clock.advance(150);
    const places = ids.map((id) =>
      crowd
        .all('queued')
        .filter((frame) => frame.id === id)
        .map((frame) => frame.position),
    );
    expect(places).to.deep.equal([[1], [2, 1], [3, 2]]);
  });

  it('lists leases with holder, token and waiters, page by page', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    for (const name of ['b', 'a', 'c']) client.acquire(name);
    await rig.clock.settle();
    const all = rig.core.listLeases({ namespace: '', namePrefix: '', after: undefined, limit: 2 });
    expect(all.map((lease) => lease.name)).to.deep.equal(['a', 'b']);
    const rest = rig.core.listLeases({
      namespace: '',
      namePrefix: '',
      after: { namespace: 'default', name: 'b' },
      limit: 2,
    });
    expect(rest.map((lease) => [lease.name, lease.sessionState])).to.deep.equal([['c', 'attached']]);
  });

  it('refuses what is out of bounds, naming field, value and limit', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const cases: [Parameters<typeof request>[1] & { name?: string }, string, string][] = [
      [{ ttlMs: 0 }, 'acquire.ttl_ms', '1000 to 60000'],
      [{ ttlMs: -1 }, 'acquire.ttl_ms', '1000 to 60000'],
      [{ ttlMs: 2 ** 63 }, 'acquire.ttl_ms', '1000 to 60000'],
      [{ waitMs: -1 }, 'acquire.wait_ms', '0 to 86400000'],
      [{ names: [] }, 'acquire.resources', 'exactly 1'],
      [{ names: ['a', 'b'] }, 'acquire.resources', 'exactly 1'],
      [{ names: [''] }, 'acquire.resources[0].name', '1 to 256 bytes'],
      [{ names: ['a\u0007'] }, 'acquire.resources[0].name', 'no control characters'],
      [{ names: ['é'.repeat(129)] }, 'acquire.resources[0].name', '1 to 256 bytes'],
    ];
    for (const [options, field, limit] of cases) {
      const id = client.acquire('x', options);
      const { failure } = client.answer('failed', id);
      expect(failure).to.include({ reason: 'FIELD_INVALID', field, limit });
      expect(failure.value).to.be.a('string');
    }
    const good = client.acquire('x');
    await rig.clock.settle();
    expect(client.answer('granted', good)).to.not.equal(undefined);
    expect(hash('x')).to.have.length(32);
  });
});
