import { expect } from 'chai';
import { CoreRig, hash, request } from '../support/core-rig.js';

describe('core: sessions and resume', () => {
  it('adopts a lease on resume: token unchanged, secret swapped, old stream ended', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { ttlMs: 10_000, hash: hash('first') });
    await rig.clock.settle();
    const { leaseId, tokens } = client.answer('granted', id);
    client.open(true);
    const resume = client.resume([
      {
        claim: 'held',
        requestId: id,
        leaseId,
        token: tokens[0] ?? 0n,
        request: request('r', { ttlMs: 10_000, hash: hash('second'), earlierHashes: [hash('first')] }),
      },
    ]);
    await rig.clock.settle();
    const [resumed] = client.answer('resumed', resume).leases;
    expect(resumed).to.deep.include({ requestId: id, outcome: 'held' });
    const [stored] = [...rig.store.storedLeases()];
    expect(stored).to.include({ token: tokens[0], hash: hash('second') });
  });

  it('resumes on a restarted server, before anybody else gets the resource', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    const waiter = await rig.client('waiter');
    const id = holder.acquire('r', { ttlMs: 10_000, hash: hash('h1') });
    const waiting = waiter.acquire('r', { waitMs: 60_000, hash: hash('w1') });
    await rig.clock.settle();
    const { leaseId, tokens } = holder.answer('granted', id);
    rig.restart();
    waiter.open(true);
    waiter.resume([
      {
        claim: 'open',
        requestId: waiting,
        request: request('r', { waitMs: 50_000, hash: hash('w2'), earlierHashes: [hash('w1')] }),
      },
    ]);
    await rig.clock.settle();
    expect(waiter.all('granted')).to.have.length(0);
    holder.open(true);
    const resume = holder.resume([
      {
        claim: 'held',
        requestId: id,
        leaseId,
        token: tokens[0] ?? 0n,
        request: request('r', { ttlMs: 10_000, hash: hash('h2'), earlierHashes: [hash('h1')] }),
      },
    ]);
    await rig.clock.settle();
    expect(holder.answer('resumed', resume).leases).to.have.length(1);
    expect(waiter.all('granted')).to.have.length(0);
    holder.release(id);
    await rig.clock.settle();
    const token = waiter.answer('granted', waiting).tokens[0] ?? 0n;
    expect(token > (tokens[0] ?? 0n)).to.equal(true);
  });

  it('tells a resumed client how often to beat, for a restarted server knew of no lease when it opened', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { ttlMs: 3_000, hash: hash('s1') });
    await rig.clock.settle();
    const { leaseId, tokens } = client.answer('granted', id);
    rig.restart();
    client.open(true);
    expect(client.all('opened').at(-1)?.heartbeatIntervalMs).to.equal(5_000);
    const claim = request('r', { ttlMs: 3_000, hash: hash('s2'), earlierHashes: [hash('s1')] });
    const resume = client.resume([{ claim: 'held', requestId: id, leaseId, token: tokens[0] ?? 0n, request: claim }]);
    await rig.clock.settle();
    expect(client.answer('resumed', resume).heartbeatIntervalMs).to.equal(500);
  });

  it('sends an unacknowledged grant again, under the same token, instead of waiting it out', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { waitMs: 5_000, hash: hash('s1') });
    await rig.clock.settle();
    const [token] = client.answer('granted', id).tokens;
    client.heard.length = 0;
    client.open(true);
    client.resume([
      {
        claim: 'open',
        requestId: id,
        request: request('r', { waitMs: 4_000, hash: hash('s2'), earlierHashes: [hash('s1')] }),
      },
    ]);
    await rig.clock.settle();
    expect(client.answer('granted', id).tokens).to.deep.equal([token]);
  });

  it('adopts a grant that a crashed server left behind (retry carries the earlier secret)', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { waitMs: 5_000, hash: hash('s1') });
    await rig.clock.settle();
    const [token] = client.answer('granted', id).tokens;
    client.heard.length = 0;
    rig.restart();
    client.open(true);
    client.resume([
      {
        claim: 'open',
        requestId: id,
        request: request('r', { waitMs: 4_000, hash: hash('s2'), earlierHashes: [hash('s1')] }),
      },
    ]);
    await rig.clock.settle();
    expect(client.answer('granted', id).tokens).to.deep.equal([token]);
    expect([...rig.store.storedLeases()][0]).to.include({ hash: hash('s2') });
  });

  it('releases what a resuming client does not list', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r');
    await rig.clock.settle();
    client.open(true);
    client.resume([]);
    await rig.clock.settle();
    expect([...rig.store.storedLeases()]).to.have.length(0);
    expect(rig.core.sizes()).to.include({ leases: 0, resources: 0 });
  });

  it('releases what was given up while away, known here or not', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { hash: hash('s1') });
    await rig.clock.settle();
    rig.restart();
    client.open(true);
    const resume = client.resume([
      { claim: 'given_up', requestId: id, request: request('r', { hash: hash('s2'), earlierHashes: [hash('s1')] }) },
    ]);
    await rig.clock.settle();
    expect(client.answer('resumed', resume).leases).to.deep.equal([{ requestId: id, outcome: 'released' }]);
    expect([...rig.store.storedLeases()]).to.have.length(0);
  });

  it('frees nothing because a stream ended: the lease lapses by itself', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r', { ttlMs: 60_000 });
    await rig.clock.settle();
    client.cut();
    await rig.clock.advance(59_000);
    expect([...rig.store.storedLeases()]).to.have.length(1);
    await rig.clock.advance(2_000);
    expect(rig.core.sizes()).to.include({ sessionsDetached: 0, leases: 0, resources: 0, timers: 0 });
  });

  it('keeps queue places for the grace time, and no longer', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    holder.acquire('r', { ttlMs: 60_000 });
    const waiter = await rig.client('waiter');
    const id = waiter.acquire('r', { waitMs: 80_000_000, hash: hash('w1') });
    waiter.cut();
    await rig.clock.advance(29_000);
    expect(rig.core.sizes().waiters).to.equal(1);
    waiter.open(true);
    waiter.resume([{ claim: 'open', requestId: id, request: request('r', { waitMs: 60_000, hash: hash('w2') }) }]);
    await rig.clock.advance(1);
    expect(waiter.all('queued').at(-1)).to.include({ id, position: 1 });
    waiter.cut();
    await rig.clock.advance(30_000);
    expect(rig.core.sizes()).to.include({ waiters: 0, sessionsDetached: 0 });
  });

  it('refuses a stream that knows a session but not its secret', async () => {
    const rig = new CoreRig();
    await rig.client('a');
    const reasons: (string | undefined)[] = [];
    const thief = rig.core.connect({
      send: () => undefined,
      end: (failure) => void reasons.push(failure?.reason),
    });
    thief.receive(
      [
        {
          kind: 'open',
          id: 1_000,
          protocolVersion: 1,
          sessionId: '01890000-0000-7000-8000-000000000001',
          secretHash: hash('guess'),
          clientName: 'thief',
          namespace: '',
          resume: false,
        },
      ],
      rig.clock.nowMs(),
    );
    expect(reasons).to.deep.equal(['SESSION_SECRET_MISMATCH']);
    expect(rig.core.sizes().sessionsAttached).to.equal(1);
    expect(rig.core.openStreams()).to.equal(1);
  });

  it('ends a stream whose frame ids do not rise, and refuses one that opens with an older id', async () => {
    const rig = new CoreRig();
    const reasons: (string | undefined)[] = [];
    const port = {
      send: () => undefined,
      end: (failure?: { readonly reason: string }) => void reasons.push(failure?.reason),
    };
    const sessionId = '01890000-0000-7000-8000-00000000abcd';
    const label = { clientName: 'a', namespace: '', resume: false, protocolVersion: 1 };
    const open = (id: number) => ({ kind: 'open' as const, id, sessionId, secretHash: hash('s'), ...label });
    const first = rig.core.connect(port);
    first.receive([open(10), { kind: 'release', id: 10, requestId: 1 }], rig.clock.nowMs());
    const second = rig.core.connect(port);
    second.receive([open(20)], rig.clock.nowMs());
    const stale = rig.core.connect(port);
    stale.receive([open(15)], rig.clock.nowMs());
    expect(reasons).to.deep.equal(['FRAME_ID_NOT_RISING', 'FRAME_ID_NOT_RISING']);
    expect(rig.core.openStreams()).to.equal(1);
  });

  it('ends the older stream of a session, and lets nothing said on it count', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    let superseded = '';
    const { sessionId } = client;
    const older = rig.core.connect({
      send: () => undefined,
      end: (failure) => {
        superseded = failure?.reason ?? 'ended well';
      },
    });
    const open = (id: number): Parameters<typeof older.receive>[0] => [
      {
        kind: 'open',
        id,
        protocolVersion: 1,
        sessionId,
        secretHash: hash(`session ${sessionId}`),
        clientName: 'a',
        namespace: '',
        resume: false,
      },
    ];
    older.receive(open(10), rig.clock.nowMs());
    const newer = rig.core.connect({ send: () => undefined, end: () => undefined });
    newer.receive(open(20), rig.clock.nowMs());
    expect(superseded).to.equal('SESSION_SUPERSEDED');
    older.receive([{ kind: 'acquire', id: 30, request: request('r') }], rig.clock.nowMs());
    await rig.clock.settle();
    expect([...rig.store.storedLeases()]).to.have.length(0);
  });

  const firstFrames: readonly [string, (client: Awaited<ReturnType<CoreRig['client']>>) => void, string][] = [
    [
      'a second Open',
      (client) =>
        client.say({
          kind: 'open',
          protocolVersion: 1,
          sessionId: client.sessionId,
          secretHash: hash('x'),
          clientName: 'a',
          namespace: '',
          resume: false,
        }),
      'OPEN_REPEATED',
    ],
    ['a Resume nobody announced', (client) => client.resume([]), 'RESUME_MISPLACED'],
  ];
  for (const [what, act, reason] of firstFrames) {
    it(`ends the stream on ${what}`, async () => {
      const rig = new CoreRig();
      const client = await rig.client('a');
      act(client);
      expect(client.ended?.failure?.reason).to.equal(reason);
      expect(rig.core.openStreams()).to.equal(0);
    });
  }

  it('turns new sessions and acquires away while draining, and keeps every lease', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    client.acquire('r');
    await rig.clock.settle();
    rig.core.drain(30_000);
    expect(client.all('draining')).to.deep.equal([{ kind: 'draining', id: 0, remainingMs: 30_000 }]);
    const id = client.acquire('s');
    expect(client.answer('failed', id).failure.reason).to.equal('DRAINING');
    const late = await rig.client('late');
    expect(late.ended?.failure?.reason).to.equal('DRAINING');
    rig.core.endStreams();
    expect(client.ended?.failure?.reason).to.equal('DRAINING');
    expect([...rig.store.storedLeases()]).to.have.length(1);
  });
});
