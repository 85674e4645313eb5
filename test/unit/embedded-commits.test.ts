import { expect } from 'chai';
import { acquireBid, extendBid, grantee, handOffBid, releaseBid, resource } from '../contract/store-bids.js';
import { EmbeddedInMemory, soFar } from './embedded-in-memory.js';

describe('the embedded store and its commits', () => {
  let subject: EmbeddedInMemory;
  beforeEach(() => {
    subject = new EmbeddedInMemory('by hand');
  });

  it('answers a grant only when it is on the disk, and holds the resource from the start', async () => {
    const first = subject.on.batch.acquire([acquireBid('a', grantee('h'))]);
    const second = subject.on.batch.acquire([acquireBid('a', grantee('x'))]);
    expect(await soFar(first, subject.clock)).to.equal('pending');
    expect((await second)[0]?.kind).to.equal('held');
    subject.log.persist();
    expect(await soFar(first, subject.clock)).to.equal('pending');
    subject.log.acknowledge();
    expect((await first)[0]?.kind).to.equal('granted');
    expect(subject.disk.resources.has(resource('a'))).to.equal(true);
  });

  it('answers a repetition of that very bid no sooner (S6)', async () => {
    const first = subject.on.batch.acquire([acquireBid('a', grantee('h'))]);
    const again = subject.on.batch.acquire([acquireBid('a', grantee('h'))]);
    expect(await soFar(again, subject.clock)).to.equal('pending');
    await subject.commit();
    const token = (await first)[0]?.kind === 'granted' ? subject.disk.lastToken : undefined;
    expect((await again)[0]).to.deep.equal({ kind: 'mine', hash: grantee('h').hash, token });
  });

  it('lets everything that arrives during a commit ride in the next one', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const first = ['x', 'y'].map((name) => subject.on.batch.acquire([acquireBid(name, grantee(name))]));
    await subject.clock.settle();
    const second = names.map((name) => subject.on.batch.acquire([acquireBid(name, grantee(name))]));
    await subject.clock.settle();
    expect(subject.log.appends).to.equal(1);
    await subject.commit();
    await Promise.all([...first, ...second]);
    expect(subject.log.appends).to.equal(2);
    expect(subject.stats.map(({ grants, resources }) => [grants, resources])).to.deep.equal([
      [2, 2],
      [50, 50],
    ]);
  });

  it('answers a release from memory, and writes it with the next grant', async () => {
    await subject.granted('a', 'h');
    expect(await subject.on.batch.release([releaseBid('a', 'h')])).to.deep.equal(['released']);
    await subject.clock.settle();
    expect(subject.log.appends).to.equal(1);
    await subject.granted('b', 'x');
    expect(subject.disk.resources.has(resource('a'))).to.equal(false);
    expect(subject.log.appends).to.equal(2);
  });

  it('writes a release soon when nobody else needs a commit', async () => {
    await subject.granted('a', 'h');
    await subject.on.batch.release([releaseBid('a', 'h')]);
    await subject.clock.advance(50);
    await subject.commit();
    expect(subject.disk.resources.size).to.equal(0);
    await subject.clock.advance(10_000);
    expect(subject.log.appends).to.equal(2);
  });

  it('writes nothing for extensions', async () => {
    const token = await subject.granted('a', 'h');
    expect(await subject.on.batch.extend([extendBid('a', 'h', token)])).to.deep.equal(['renewed']);
    await subject.store.close();
    expect(subject.log.appends).to.equal(1);
  });

  it('hands off to a nominated waiter without a commit in the way', async () => {
    const token = await subject.granted('a', 'h');
    subject.nominate('a', 'n1', 'n2');
    await subject.commit();
    expect(subject.log.appends).to.equal(2);
    const next = await subject.on.handedOff('a', { secret: 'h', token }, grantee('n1'));
    await subject.on.handedOff('a', { secret: 'n1', token: next }, grantee('n2'));
    expect(subject.log.appends).to.equal(2);
    await subject.granted('b', 'x');
    expect(subject.disk.resources.get(resource('a'))?.holder.hash).to.equal(grantee('n2').hash);
  });

  it('waits for the nomination’s own commit and for no other', async () => {
    const token = await subject.granted('a', 'h');
    subject.nominate('a', 'n');
    await subject.clock.settle();
    const handedOff = subject.on.batch.handOff([handOffBid('a', { secret: 'h', token }, grantee('n'))]);
    expect(await soFar(handedOff, subject.clock)).to.equal('pending');
    subject.log.acknowledge();
    expect((await handedOff)[0]?.kind).to.equal('granted');
    expect(subject.log.appends).to.equal(2);
  });

  it('hands off to anybody else with a commit', async () => {
    const token = await subject.granted('a', 'h');
    const handedOff = subject.on.batch.handOff([handOffBid('a', { secret: 'h', token }, grantee('n'))]);
    expect(await soFar(handedOff, subject.clock)).to.equal('pending');
    await subject.commit();
    expect((await handedOff)[0]?.kind).to.equal('granted');
  });

  it('finishes what is under way before it closes', async () => {
    const granted = subject.on.batch.acquire([acquireBid('a', grantee('h'))]);
    const closed = subject.store.close();
    expect(await soFar(closed, subject.clock)).to.equal('pending');
    expect(subject.log.closed).to.equal(false);
    await subject.commit();
    await closed;
    expect((await granted)[0]?.kind).to.equal('granted');
    expect(subject.log.closed).to.equal(true);
  });

  it('takes leases that nobody came back for off the disk by and by (L4)', async () => {
    for (let index = 0; index < 100; index += 1) await subject.granted(`n${index}`, `h${index}`);
    await subject.pastExpiry();
    await subject.granted('live', 'x');
    await subject.granted('live too', 'x');
    expect([...subject.disk.resources.keys()]).to.have.members([resource('live'), resource('live too')]);
  });
});

describe('the embedded store after a failed commit', () => {
  const broken = new Error('no space left on device');
  let subject: EmbeddedInMemory;
  beforeEach(() => {
    subject = new EmbeddedInMemory('by hand');
  });

  it('refuses what waited for it and everything later, reports once, and never writes again (G1)', async () => {
    const token = await subject.granted('a', 'h');
    const first = subject.on.batch.acquire([acquireBid('b', grantee('b')), acquireBid('a', grantee('x'))]);
    await subject.clock.settle();
    const second = subject.on.batch.acquire([acquireBid('c', grantee('c'))]);
    subject.log.fail(broken);
    expect((await first).map(({ kind }) => kind)).to.deep.equal(['unavailable', 'held']);
    expect(await second).to.deep.equal([
      { kind: 'unavailable', message: 'the store has stopped: no space left on device' },
    ]);
    expect(subject.failures).to.deep.equal([broken]);

    expect((await subject.on.acquire('d', grantee('d'))).kind).to.equal('unavailable');
    expect(await subject.on.extend('a', 'h', token)).to.equal('unknown');
    expect((await subject.on.handOff('a', { secret: 'h', token }, grantee('n'))).kind).to.equal('unavailable');
    expect((await subject.on.adopt('a', ['h'], token, grantee('h'))).kind).to.equal('unknown');
    expect(await subject.on.release('a', 'h')).to.equal('unknown');
    subject.nominate('a', 'n');
    await subject.store.close();
    expect(subject.log.appends).to.equal(2);
    expect(subject.failures).to.have.length(1);
    expect(subject.log.closed).to.equal(true);
  });

  it('comes back with what the disk has, whether the failed batch is there or not', async () => {
    const token = await subject.granted('a', 'h');
    void subject.on.batch.acquire([acquireBid('b', grantee('b'))]);
    await subject.clock.settle();
    subject.log.persist();
    subject.log.fail(broken);
    subject.crash();
    expect(await subject.adopted('a', 'h', token)).to.deep.equal({ kind: 'adopted', token });
    expect((await subject.on.acquire('b', grantee('x'))).kind).to.equal('held');
  });
});
