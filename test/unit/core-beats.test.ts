import { expect } from 'chai';
import { CoreRig } from '../support/core-rig.js';

describe('core: beats and extensions', () => {
  it('extends what is due, anchored at the beat, in one answer for all', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const ids = ['r1', 'r2', 'r3'].map((name) => client.acquire(name, { ttlMs: 6_000 }));
    await rig.clock.settle();
    expect(client.answer('granted', ids[0] ?? 0).heartbeatIntervalMs).to.equal(1_000);
    await rig.clock.advance(1_000);
    const early = client.beat();
    await rig.clock.settle();
    expect(client.answer('extended', early).groups).to.deep.equal([]);
    await rig.clock.advance(1_500);
    const due = client.beat();
    await rig.clock.settle();
    const extended = client.answer('extended', due);
    expect(extended).to.include({ anchor: due });
    expect(extended.groups).to.deep.equal([{ durationMs: 5_935, requestIds: ids }]);
  });

  it('keeps a lease for as long as its client beats, and not longer', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r', { ttlMs: 6_000 });
    await rig.clock.settle();
    for (let i = 0; i < 60; i += 1) {
      await rig.clock.advance(1_000);
      client.beat();
    }
    await rig.clock.settle();
    expect(client.all('lost')).to.have.length(0);
    await rig.clock.advance(6_000);
    expect(client.all('lost')).to.have.length(1);
  });

  it('never extends a grant the client has not seen', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { ttlMs: 6_000 });
    await rig.clock.settle();
    for (let i = 0; i < 6; i += 1) {
      await rig.clock.advance(1_000);
      client.say({ kind: 'heartbeat', pushSeen: 0, heldCount: 0, heldHash: 0n });
    }
    await rig.clock.settle();
    expect(client.all('extended').every((frame) => frame.groups.length === 0)).to.equal(true);
    expect(client.all('lost').map((frame) => frame.requestId)).to.deep.equal([id]);
  });

  it('asks for the list when accounts differ, and lets what is not listed lapse', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const kept = client.acquire('kept', { ttlMs: 6_000 });
    const zombie = client.acquire('zombie', { ttlMs: 6_000 });
    await rig.clock.settle();
    const leaseId = client.answer('granted', kept).leaseId;
    const heldHash = BigInt(`0x${leaseId.replaceAll('-', '').slice(16)}`);
    await rig.clock.advance(2_500);
    const beat = client.say({ kind: 'heartbeat', pushSeen: 2, heldCount: 1, heldHash });
    await rig.clock.settle();
    expect(client.answer('held_list_requested', beat)).to.not.equal(undefined);
    client.say({ kind: 'held_list', heartbeatId: beat, requestIds: [kept], last: true });
    for (let i = 0; i < 5; i += 1) {
      const next = client.say({ kind: 'heartbeat', pushSeen: 2, heldCount: 1, heldHash });
      await rig.clock.settle();
      expect(client.answer('extended', next)).to.not.equal(undefined);
      await rig.clock.advance(1_000);
    }
    expect(client.all('lost').map((frame) => frame.requestId)).to.deep.equal([zombie]);
    expect(rig.telemetry.events.filter((event) => event.kind === 'held_set_differs')).to.have.length(1);
  });

  it('tells a client lost what only the client believes it holds', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    await rig.clock.settle();
    const beat = client.say({ kind: 'heartbeat', pushSeen: 0, heldCount: 1, heldHash: 1n });
    client.say({ kind: 'held_list', heartbeatId: beat, requestIds: [77], last: true });
    expect(client.all('lost').map((frame) => frame.requestId)).to.deep.equal([77]);
  });

  it('does not count a lease against the client whose Release came earlier on the stream', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const first = client.acquire('r1');
    client.acquire('r2');
    await rig.clock.settle();
    client.release(first);
    const beat = client.beat();
    await rig.clock.settle();
    expect(client.answer('extended', beat)).to.not.equal(undefined);
    expect(client.all('held_list_requested')).to.have.length(0);
  });

  it('extends a lease with manual extension only when asked to', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { ttlMs: 6_000, manualExtension: true });
    await rig.clock.advance(3_500);
    const beat = client.beat();
    await rig.clock.settle();
    expect(client.answer('extended', beat).groups).to.deep.equal([]);
    const extend = client.say({ kind: 'extend', requestId: id });
    await rig.clock.settle();
    expect(client.answer('extended', extend).groups).to.deep.equal([{ durationMs: 5_935, requestIds: [id] }]);
    client.release(id);
    await rig.clock.settle();
    const late = client.say({ kind: 'extend', requestId: id });
    expect(client.answer('failed', late).failure.reason).to.equal('LEASE_LOST');
  });

  it('neither extends nor ends a lease when the store cannot say, and tries again with the next beat', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { ttlMs: 6_000 });
    await rig.clock.advance(3_000);
    rig.store.unavailable = true;
    client.beat();
    await rig.clock.advance(1_000);
    expect(client.all('lost')).to.have.length(0);
    rig.store.unavailable = false;
    const beat = client.beat();
    await rig.clock.settle();
    expect(client.answer('extended', beat).groups[0]?.requestIds).to.deep.equal([id]);
  });

  it('refuses a beat that claims pushes never sent', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const beat = client.say({ kind: 'heartbeat', pushSeen: 9, heldCount: 0, heldHash: 0n });
    expect(client.answer('failed', beat).failure).to.include({ field: 'heartbeat.push_seen', value: '9', limit: '0' });
  });
});
