import { expect } from 'chai';
import type { Answered, ExtendAnswer } from '../../server/src/core/store-port.js';
import { LeaseTable } from '../../server/src/store/embedded/lease-table.js';
import { grantee, resource } from '../contract/store-bids.js';
import { CoreRig, type HandClient, hash, request } from '../support/core-rig.js';

type Granted = ReturnType<HandClient['all']>[number] & { kind: 'granted' };

/** What a client says on resume of a lease it holds, with every secret used so far. */
function held(name: string, id: number, granted: Granted, ...secrets: readonly string[]) {
  const hashes = secrets.map(hash);
  const newest = hashes.at(-1) ?? hash('none');
  return {
    claim: 'held' as const,
    requestId: id,
    leaseId: granted.leaseId,
    token: granted.tokens[0] ?? 0n,
    request: request(name, { hash: newest, earlierHashes: hashes.slice(0, -1) }),
  };
}

describe('core: things that cross on their way', () => {
  it('goes on extending the other leases when one is given back while its adoption is under way', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const one = client.acquire('r1', { hash: hash('s1') });
    const two = client.acquire('r2', { hash: hash('t1') });
    await rig.clock.settle();
    const [first, second] = [client.answer('granted', one), client.answer('granted', two)];
    rig.store.answerDelayMs = () => 20;
    client.open(true);
    client.resume([held('r1', one, first, 's1', 's2'), held('r2', two, second, 't1', 't2')]);
    client.release(one);
    await rig.clock.advance(100);
    for (let beats = 0; beats < 12; beats += 1) {
      await rig.clock.advance(5_000);
      client.beat();
    }
    await rig.clock.advance(100);
    expect(client.all('held_list_requested')).to.have.length(0);
    expect(client.all('lost')).to.have.length(0);
    expect(rig.core.sizes().leases).to.equal(1);
  });

  it('does not let a waiter who comes back late take the queue of others away', async () => {
    const rig = new CoreRig();
    const [holder, late, next, last] = await Promise.all(['h', 'w', 'a', 'c'].map((name) => rig.client(name)));
    const kept = late?.acquire('other', { hash: hash('o1') }) ?? 0;
    const id = holder?.acquire('r') ?? 0;
    await rig.clock.settle();
    late?.acquire('r', { waitMs: 1_000 });
    late?.cut();
    holder?.release(id);
    await rig.clock.advance(1_500);
    const taken = next?.acquire('r') ?? 0;
    await rig.clock.settle();
    const granted = late?.answer('granted', kept);
    late?.open(true);
    if (granted !== undefined) late?.resume([held('other', kept, granted, 'o1', 'o2')]);
    await rig.clock.settle();
    last?.acquire('r', { waitMs: 20_000 });
    await rig.clock.settle();
    next?.release(taken);
    await rig.clock.settle();
    expect(last?.all('granted')).to.have.length(1);
  });

  it('serves who waits at once when a resumed client gives up what only the store knew of', async () => {
    const rig = new CoreRig();
    const gone = await rig.client('a');
    const id = gone.acquire('r', { hash: hash('s1') });
    await rig.clock.settle();
    rig.restart();
    const waiter = await rig.client('c');
    waiter.acquire('r', { waitMs: 25_000 });
    await rig.clock.settle();
    gone.open(true);
    const claim = request('r', { hash: hash('s2'), earlierHashes: [hash('s1')] });
    gone.resume([{ claim: 'given_up', requestId: id, request: claim }]);
    await rig.clock.settle();
    expect(waiter.all('granted')).to.have.length(1);
  });

  it('revives no lease by a beat that was sent before its loss was read (S4)', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { hash: hash('s1') });
    await rig.clock.settle();
    const granted = client.answer('granted', id);
    rig.store.answerDelayMs = () => 20;
    for (const secrets of [
      ['s1', 's2'],
      ['s1', 's2', 's3'],
      ['s1', 's2', 's3', 's4'],
    ]) {
      client.open(true);
      client.resume([held('r', id, granted, ...secrets)]);
      await rig.clock.advance(secrets.length === 2 ? 0 : 30);
    }
    const { push } = client.all('resumed').at(-1) ?? { push: 0 };
    await rig.clock.advance(30_020);
    expect(client.all('lost')).to.have.length(1);
    const heldHash = BigInt(`0x${granted.leaseId.replaceAll('-', '').slice(16)}`);
    client.say({ kind: 'heartbeat', pushSeen: push, heldCount: 1, heldHash });
    await rig.clock.advance(1_000);
    expect(rig.core.sizes().leases).to.equal(0);
  });

  it('frees a grant whose client has gone again before it could be adopted', async () => {
    const rig = new CoreRig();
    const [client, next] = [await rig.client('a'), await rig.client('c')];
    rig.store.answerDelayMs = () => 50;
    const id = client.acquire('r', { hash: hash('s1'), waitMs: 5_000 });
    await rig.clock.settle();
    next.acquire('r', { waitMs: 25_000 });
    client.open(true);
    const again = request('r', { hash: hash('s2'), earlierHashes: [hash('s1')], waitMs: 5_000 });
    client.resume([{ claim: 'open', requestId: id, request: again }]);
    client.cut();
    await rig.clock.advance(1_000);
    expect(next.all('granted')).to.have.length(1);
  });

  it('keeps no more requests than its limits over any number of unfinished resumes (L4)', async () => {
    const limits = { ...new CoreRig().settings.limits, maxRequestsPerSession: 10 };
    const rig = new CoreRig({ limits, maxWaitersPerResource: 5 });
    const holder = await rig.client('h');
    holder.acquire('r');
    const client = await rig.client('a');
    for (let ids = 0; ids < 400; ids += 1) client.say({ kind: 'cancel', requestId: 1 });
    for (let round = 0; round < 20; round += 1) {
      client.open(true);
      const entries = Array.from({ length: 10 }, (_, index) => ({
        claim: 'open' as const,
        requestId: 2 + round * 10 + index,
        request: request('r', { waitMs: 80_000_000, hash: hash(`x${round}.${index}`) }),
      }));
      client.resume(entries, false);
      await rig.clock.settle();
    }
    expect(rig.core.sizes().waiters).to.be.at.most(5);
  });

  it('ends a stream on which leases come and go and nobody ever beats (L4)', async () => {
    const limits = { ...new CoreRig().settings.limits, maxRequestsPerSession: 300 };
    const rig = new CoreRig({ limits });
    const client = await rig.client('a');
    for (let round = 0; round < 10 && client.ended === undefined; round += 1) {
      const ids = Array.from({ length: 200 }, (_, index) => client.acquire(`r${index}`, { ttlMs: 1_000 }));
      await rig.clock.advance(1_100);
      expect(ids.length).to.equal(200);
    }
    expect(client.ended?.failure).to.include({ reason: 'LIMIT_REACHED', field: 'pushes without a Heartbeat' });
  });

  it('takes nothing more from a session that has said Close', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r');
    await rig.clock.settle();
    rig.store.answerDelayMs = () => 50;
    const closing = client.say({ kind: 'close' });
    client.acquire('s', { waitMs: 60_000 });
    await rig.clock.advance(200);
    expect(client.answer('closed', closing)).to.not.equal(undefined);
    expect(rig.core.sizes()).to.include({ sessionsAttached: 0, leases: 0, waiters: 0, resources: 0 });
  });

  it('takes nothing from an extension that lost only because the lease was adopted meanwhile', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { hash: hash('s1') });
    await rig.clock.advance(15_000);
    let answer: Answered<ExtendAnswer> = () => undefined;
    const { extend } = rig.store;
    rig.store.extend = (_bids, answered) => {
      answer = answered;
    };
    client.beat();
    await rig.clock.settle();
    rig.store.extend = extend;
    client.open(true);
    client.resume([held('r', id, client.answer('granted', id), 's1', 's2')]);
    await rig.clock.settle();
    answer(0, 'lost');
    await rig.clock.settle();
    expect(client.all('lost')).to.have.length(0);
    expect(rig.core.sizes().leases).to.equal(1);
  });

  /** A client that resumes twice while the store is still busy with the first. */
  async function resumedTwice(rig: CoreRig, before: () => void): Promise<HandClient> {
    const client = await rig.client('a');
    const id = client.acquire('r', { hash: hash('s1'), ttlMs: 60_000 });
    await rig.clock.settle();
    const granted = client.answer('granted', id);
    rig.store.answerDelayMs = () => 20;
    before();
    client.open(true);
    client.resume([held('r', id, granted, 's1', 's2')]);
    await rig.clock.settle();
    client.open(true);
    client.resume([held('r', id, granted, 's1', 's2', 's3')]);
    await rig.clock.advance(100);
    return client;
  }

  it('tells the newest stream that a lease is lost, which an overtaken adoption found out', async () => {
    const rig = new CoreRig();
    const client = await resumedTwice(rig, () => {
      rig.store.release([{ resource: resource('r'), hashes: [hash('s1')], token: undefined }], () => undefined);
    });
    client.beat();
    await rig.clock.advance(100);
    expect(client.all('lost').map(({ reason }) => reason)).to.deep.equal(['displaced']);
    expect(rig.core.sizes()).to.include({ leases: 0, resources: 0 });
  });

  it('believes an overtaken adoption no loss: the newest secrets may find the lease', async () => {
    const rig = new CoreRig();
    const client = await resumedTwice(rig, () => {
      const { adopt } = rig.store;
      rig.store.adopt = (_bids, answered) => {
        rig.store.adopt = adopt;
        rig.clock.after(20, () => answered(0, { kind: 'lost' }));
      };
    });
    client.beat();
    await rig.clock.advance(100);
    expect(client.all('lost')).to.have.length(0);
    expect([...rig.store.storedLeases()].map((lease) => lease.hash)).to.deep.equal([hash('s3')]);
    expect(rig.core.sizes().leases).to.equal(1);
  });

  it('withdraws the nomination of a waiter who leaves', async () => {
    const rig = new CoreRig();
    const [holder, waiter] = [await rig.client('h'), await rig.client('w')];
    holder.acquire('r');
    await rig.clock.settle();
    const id = waiter.acquire('r', { waitMs: 5_000 });
    await rig.clock.settle();
    waiter.say({ kind: 'cancel', requestId: id });
    await rig.clock.settle();
    expect(rig.store.withdrawn.map(({ to }) => to.leaseId)).to.deep.equal(
      rig.store.nominations.map(({ to }) => to.leaseId),
    );
  });
});

describe('the embedded table and who is nominated', () => {
  const RULE = { clockRateDrift: 0.01, clockMarginMs: 5 };

  it('forgets who was withdrawn', () => {
    const table = new LeaseTable(new CoreRig().clock, RULE, { lastToken: 0n, resources: [] });
    table.acquire({ resource: resource('a'), grantee: grantee('h'), earlierHashes: [], waits: false }, 1);
    const nomination = { resource: resource('a'), to: grantee('w', { ttlMs: 60_000 }) };
    expect(table.nominate(nomination, 1)).to.equal(true);
    expect(table.withdraw(nomination)).to.equal(true);
    expect(table.withdraw(nomination)).to.equal(false);
    expect(table.drain()?.batch.changes[0]?.state?.planned).to.deep.equal([]);
  });

  it('tells two requests with one secret apart', () => {
    const table = new LeaseTable(new CoreRig().clock, RULE, { lastToken: 0n, resources: [] });
    const first = grantee('one', { secret: 'same' });
    const second = grantee('two', { secret: 'same' });
    const { answer } = table.acquire({ resource: resource('a'), grantee: first, earlierHashes: [], waits: false }, 1);
    const token = answer.kind === 'granted' ? answer.token : 0n;
    const from = { hash: first.hash, token };
    const handedOff = table.handOff({ resource: resource('a'), from, to: second }, 1).answer;
    expect(handedOff.kind === 'granted' && handedOff.token > token).to.equal(true);
  });
});
