import { expect } from 'chai';
import type { ResumeEntry } from '../../server/src/core/frames.js';
import { CoreRig, type HandClient, hash, request } from '../support/core-rig.js';

describe('core: a request is answered (S5)', () => {
  let rig: CoreRig;
  let client: HandClient;
  let id: number;
  let held: Extract<ResumeEntry, { claim: 'held' }>;

  /** A client that holds `r`, and a store that takes its time from then on. */
  beforeEach(async () => {
    rig = new CoreRig();
    client = await rig.client('a');
    id = client.acquire('r', { hash: hash('s1') });
    await rig.clock.settle();
    const { leaseId, tokens } = client.answer('granted', id);
    const again = request('r', { hash: hash('s2'), earlierHashes: [hash('s1')], waitMs: 5_000 });
    held = { claim: 'held', requestId: id, leaseId, token: tokens[0] ?? 0n, request: again };
    rig.store.answerDelayMs = () => 100;
  });

  const open = (): ResumeEntry => ({ claim: 'open', requestId: id, request: held.request });

  it('also when it is released while its grant is being adopted', async () => {
    client.open(true);
    client.resume([open()]);
    const release = client.release(id);
    await rig.clock.advance(1_000);
    expect(client.answer('denied', id).reason).to.equal('cancelled');
    expect(client.answer('released', release).outcome).to.equal('released');
    expect(rig.core.sizes()).to.include({ leases: 0, resources: 0 });
  });

  it('also when its session closes while its grant is being adopted', async () => {
    client.open(true);
    client.resume([open()]);
    const close = client.say({ kind: 'close' });
    await rig.clock.advance(1_000);
    expect(client.answer('denied', id).reason).to.equal('cancelled');
    client.answer('closed', close);
    expect(client.ended).to.deep.equal({ failure: undefined });
    expect(rig.core.sizes()).to.include({ sessionsAttached: 0, leases: 0 });
  });

  it('also when its grant turns out to be lost after that', async () => {
    client.open(true);
    client.resume([{ ...open(), request: request('r', { hash: hash('never used'), waitMs: 5_000 }) }]);
    client.release(id);
    await rig.clock.advance(1_000);
    expect(client.answer('denied', id).reason).to.equal('cancelled');
    expect(rig.core.sizes()).to.include({ waiters: 0 });
  });

  it('also a Resume whose lease is listed once more as a request, against the rules', async () => {
    client.open(true);
    const first = client.resume([held], false);
    const second = client.resume([open()]);
    await rig.clock.advance(1_000);
    expect(client.answer('resumed', first).leases).to.deep.equal([{ requestId: id, outcome: 'lost' }]);
    client.answer('resumed', second);
    expect(client.all('granted').filter((frame) => frame.id === id)).to.have.length(2);
  });

  it('also one that does not wait, when its grants come too late to be of use again and again', async () => {
    rig.store.answerDelayMs = () => 3_000;
    const hasty = client.acquire('other', { ttlMs: 1_000 });
    await rig.clock.advance(20_000);
    expect(client.answer('failed', hasty).failure).to.include({ reason: 'STORE_UNAVAILABLE' });
  });

  it('also one that does not wait, when its client is silent while the store takes its time', async () => {
    rig.store.answerDelayMs = () => 20_000;
    client.release(id);
    const silent = await rig.client('silent');
    const hasty = silent.acquire('r');
    await rig.clock.advance(80_000);
    const answers = silent.heard.filter((frame) => frame.id === hasty).map(({ kind }) => kind);
    expect(answers).to.deep.equal(['granted']);
  });
});
