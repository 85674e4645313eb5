import { expect } from 'chai';
import type { Grantee, StoredLease } from '../../server/src/core/ports.js';
import { describeAdopt, describeHandOff, describeNomination } from './lease-passing-contract.js';
import { acquireBid, extendBid, grantee, hashOf, resource, TTL_MS } from './store-bids.js';
import { type StoreFactory, Subject } from './store-under-test.js';
import { expectRising } from './verbs.js';

/** The rules every lease store keeps. Call it at the top level of a test file. */
export function describeLeaseStore(name: string, factory: StoreFactory): void {
  describe(`lease store contract: ${name}`, () => {
    const subject = new Subject(factory);
    beforeEach(() => subject.open());
    afterEach(() => subject.cleanUp());

    it('declares what it promises', () => {
      expect(subject.store.name).to.equal(name);
      expect(subject.store.capabilities).to.deep.equal(factory.capabilities);
    });

    describeAcquire(subject);
    describeTokens(subject);
    describeExtend(subject);
    describeRelease(subject);
    describeAdopt(subject);
    describeHandOff(subject);
    describeNomination(subject);
    describeListing(subject);
    describeRestart(subject);
    describeClose(subject);
  });
}

function describeAcquire(subject: Subject): void {
  const { on } = subject;
  describe('acquire', () => {
    it('grants a free resource and says held of a taken one (S1)', async () => {
      await on.granted('a', grantee('first'));
      const held = await on.acquire('a', grantee('second'));
      expect(held.kind).to.equal('held');
      if (held.kind !== 'held') return;
      expect(held.retryAfterMs).to.be.within(1, TTL_MS + subject.factory.expirySlackMs);
      expect(held.holder?.leaseId).to.be.oneOf([grantee('first').leaseId, undefined]);
    });

    it('gives one resource to one of many bids that arrive together (S1)', async () => {
      const bids = Array.from({ length: 20 }, (_, index) => acquireBid('a', grantee(`c${index}`)));
      const batches = [bids.slice(0, 10), bids.slice(10)].map((batch) => subject.on.batch.acquire(batch));
      const answers = (await Promise.all(batches)).flat();
      expect(answers.filter(({ kind }) => kind === 'granted')).to.have.length(1);
      expect(answers.filter(({ kind }) => kind === 'held')).to.have.length(19);
    });

    it('answers each entry at its index, and a bad one fails alone', async () => {
      await on.granted('taken', grantee('holder'));
      const answers = await subject.on.batch.acquire([
        acquireBid('taken', grantee('x')),
        acquireBid('n'.repeat(5_000), grantee('x')),
        acquireBid('free', grantee('x')),
        acquireBid('other', grantee('x', { ttlMs: Number.NaN })),
        acquireBid('free too', grantee('x')),
      ]);
      const kinds = answers.map(({ kind }) => kind);
      expect(kinds).to.deep.equal(['held', 'unavailable', 'granted', 'unavailable', 'granted']);
      expect(await subject.on.batch.acquire([])).to.deep.equal([]);
    });

    it('grants again when the lease has run out, and not before (S1, S3)', async () => {
      await on.granted('a', grantee('first'));
      await subject.passTime(TTL_MS - 1);
      expect(await on.acquire('a', grantee('second'))).to.include({ kind: 'held' });
      await subject.passTime(1 + subject.factory.expirySlackMs);
      await on.granted('a', grantee('second'));
    });

    it('finds what an older secret of the request was granted, and changes nothing (S6)', async () => {
      const token = await on.granted('a', grantee('request'));
      const again = grantee('request', { secret: 'newer' });
      const answer = await on.acquire('a', again, ['request']);
      expect(answer).to.deep.equal({ kind: 'mine', hash: hashOf('request'), token });
      expect(await on.extend('a', 'request', token)).to.equal('renewed');
      expect(await on.acquire('a', grantee('stranger'), ['other'])).to.include({ kind: 'held' });
    });

    it('keeps names apart byte by byte', async () => {
      for (const text of ['a', 'A', 'a ', 'ä', 'a\u0308', 'b']) await on.granted(text, grantee(text));
    });
  });
}

function describeTokens(subject: Subject): void {
  const { on } = subject;
  describe('tokens', () => {
    it('rise with every grant of a resource, however the lease before ended (S2)', async () => {
      const tokens = [await on.granted('a', grantee('one'))];
      await on.release('a', 'one');
      tokens.push(await on.granted('a', grantee('two')));
      await subject.pastExpiry();
      const three = await on.granted('a', grantee('three'));
      tokens.push(three);
      tokens.push(await on.handedOff('a', { secret: 'three', token: three }, grantee('four')));
      await on.release('a', 'four');
      await subject.restart();
      tokens.push(await on.granted('a', grantee('five')));
      expectRising(tokens);
    });

    it('rise over the whole store where that is promised (S2)', async () => {
      const batch = ['x', 'y', 'z'].map((text) => acquireBid(text, grantee(text)));
      const answers = [...(await subject.on.batch.acquire(batch)), await on.acquire('w', grantee('w'))];
      const tokens = answers.map((answer) => (answer.kind === 'granted' ? answer.token : 0n));
      if (subject.factory.tokensRiseStoreWide) expectRising(tokens);
      expect(tokens).to.not.include(0n);
    });
  });
}

function describeExtend(subject: Subject): void {
  const { on } = subject;
  describe('extend', () => {
    it('renews only the record with that hash and token, and raises its expiry', async () => {
      const token = await on.granted('a', grantee('h'));
      await subject.passTime(TTL_MS / 2);
      expect(await on.extend('a', 'h', token)).to.equal('renewed');
      expect(await on.extend('a', 'h', token + 1n)).to.equal('lost');
      expect(await on.extend('a', 'other', token)).to.equal('lost');
      expect(await on.extend('b', 'h', token)).to.equal('lost');
      await subject.passTime(TTL_MS - 1);
      expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
    });

    it('never shortens (S3)', async () => {
      const token = await on.granted('a', grantee('h'));
      expect(await on.extend('a', 'h', token, TTL_MS / 2)).to.equal('renewed');
      await subject.passTime(TTL_MS - 1);
      expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
      expect(await on.extend('a', 'h', token)).to.equal('renewed');
    });

    it('does not bring back what has run out or was released (S4)', async () => {
      const first = await on.granted('a', grantee('h'));
      await subject.pastExpiry();
      expect(await on.extend('a', 'h', first)).to.equal('lost');
      const second = await on.granted('a', grantee('g'));
      await on.release('a', 'g');
      expect(await on.extend('a', 'g', second)).to.equal('lost');
      await on.granted('a', grantee('x'));
    });

    it('answers entry by entry', async () => {
      const token = await on.granted('a', grantee('h'));
      const bids = [extendBid('a', 'x', token), extendBid('a', 'h', token), extendBid('b', 'h', token)];
      expect(await subject.on.batch.extend(bids)).to.deep.equal(['lost', 'renewed', 'lost']);
    });
  });
}

function describeRelease(subject: Subject): void {
  const { on } = subject;
  describe('release', () => {
    it('frees at once, tells a repetition that nothing is there, and touches nobody else (S4, S6)', async () => {
      await on.granted('a', grantee('h'));
      expect(await on.release('a', 'x')).to.equal('gone');
      expect(await on.release('a', 'x', 'h')).to.equal('released');
      expect(await on.release('a', 'h')).to.equal('gone');
      const token = await on.granted('a', grantee('next'));
      expect(await on.release('a', 'h')).to.equal('gone');
      expect(await on.extend('a', 'next', token)).to.equal('renewed');
    });

    it('leaves a record with another token alone', async () => {
      const token = await on.granted('a', grantee('h'));
      expect(await on.releaseLease('a', 'h', token + 1n)).to.equal('gone');
      expect(await on.extend('a', 'h', token)).to.equal('renewed');
      expect(await on.releaseLease('a', 'h', token)).to.equal('released');
      await on.granted('a', grantee('x'));
    });

    it('says gone when the lease had run out', async () => {
      await on.granted('a', grantee('h'));
      await subject.pastExpiry();
      expect(await on.release('a', 'h')).to.equal('gone');
    });
  });
}

function describeListing(subject: Subject): void {
  const { on } = subject;
  describe('listing', () => {
    it('lists the leases that are held, and only where that is promised', async () => {
      const token = await on.granted('a', grantee('h'));
      await on.granted('b', grantee('g'));
      await on.release('b', 'g');
      const leases = [...subject.store.storedLeases()];
      expect(leases).to.have.length(subject.factory.capabilities.listsLeases ? 1 : 0);
      for (const lease of leases) expectLease(lease, grantee('h'), token);
    });

    it('leaves out what has run out', async () => {
      await on.granted('a', grantee('h'));
      await subject.pastExpiry();
      expect([...subject.store.storedLeases()]).to.deep.equal([]);
    });
  });
}

function describeRestart(subject: Subject): void {
  const { on } = subject;
  describe('restart', () => {
    it('keeps leases where that is promised, and ends them where it is not', async () => {
      const token = await on.granted('a', grantee('h'));
      await subject.restart();
      const adopted = await on.adopt('a', ['h'], token, grantee('h', { secret: 'h2' }));
      if (!subject.factory.capabilities.resumeAfterRestart) {
        expect(adopted).to.include({ kind: 'lost' });
        return;
      }
      expect(adopted).to.deep.equal({ kind: 'adopted', token });
      expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
      expect(await on.extend('a', 'h2', token)).to.equal('renewed');
    });

    it('does not bring back what was released (S4)', async () => {
      const token = await on.granted('a', grantee('h'));
      await on.release('a', 'h');
      await subject.restart();
      expect(await on.extend('a', 'h', token)).to.equal('lost');
      await on.granted('a', grantee('x'));
    });

    it('ends leases that nobody comes back for, after one time to live (L3)', async () => {
      await on.granted('a', grantee('h'));
      await subject.restart();
      await subject.pastExpiry();
      await on.granted('a', grantee('x'));
    });
  });
}

function describeClose(subject: Subject): void {
  const { on } = subject;
  it('answers after close that it is not there, and never rejects', async () => {
    const token = await on.granted('a', grantee('h'));
    await subject.store.close();
    expect(await on.acquire('b', grantee('x'))).to.include({ kind: 'unavailable' });
    expect(await on.extend('a', 'h', token)).to.equal('unknown');
    expect(await on.handOff('a', { secret: 'h', token }, grantee('n'))).to.include({ kind: 'unavailable' });
    expect(await on.adopt('a', ['h'], token, grantee('h'))).to.include({ kind: 'unknown' });
    expect(await on.release('a', 'h')).to.equal('unknown');
    subject.store.nominate([{ resource: resource('a'), to: grantee('n') }]);
    await subject.store.close();
  });
}

function expectLease(lease: StoredLease, to: Grantee, token: bigint): void {
  const { resource: listed, remainingMs, grantedAtWallMs, ...rest } = lease;
  expect(rest).to.deep.equal({ ...to, token });
  expect(listed).to.equal(resource('a'));
  expect(remainingMs).to.be.greaterThan(0);
  expect(grantedAtWallMs).to.be.greaterThan(0);
}
