import { expect } from 'chai';
import type {
  AcquireAnswer,
  AdoptAnswer,
  ExtendAnswer,
  Grantee,
  HandOffAnswer,
  LeaseStore,
  StoreCapabilities,
  StoredLease,
} from '../../server/src/core/ports.js';
import {
  acquireBid,
  adoptBid,
  extendBid,
  grantee,
  handOffBid,
  hashOf,
  releaseBid,
  resource,
  TTL_MS,
} from './store-bids.js';

/** A store opened for one test. */
export interface StoreUnderTest {
  /** The store as it is now; another object after `restart`. */
  readonly store: LeaseStore;
  /** Lets the store's time pass. */
  passTime(ms: number): Promise<void>;
  /** Ends the store in good order and opens it again. */
  restart(): Promise<void>;
  cleanUp(): Promise<void>;
}

/** What a store claims, and how to open it. */
export interface StoreFactory {
  readonly capabilities: StoreCapabilities;
  /** Tokens rise from grant to grant, whatever the resource. */
  readonly tokensRiseStoreWide: boolean;
  /** How long after `ttlMs` a lease may still be in the way. */
  readonly expirySlackMs: number;
  open(): Promise<StoreUnderTest>;
}

/** The rules every lease store keeps. Call it at the top level of a test file. */
export function describeLeaseStore(name: string, factory: StoreFactory): void {
  describe(`lease store contract: ${name}`, () => {
    let opened: StoreUnderTest;
    const on = new Verbs(() => opened.store);

    beforeEach(async () => {
      opened = await factory.open();
    });
    afterEach(() => opened.cleanUp());

    const pastExpiry = (): Promise<void> => opened.passTime(TTL_MS + factory.expirySlackMs);

    it('declares what it promises', () => {
      expect(opened.store.name).to.equal(name);
      expect(opened.store.capabilities).to.deep.equal(factory.capabilities);
    });

    describe('acquire', () => {
      it('grants a free resource and says held of a taken one (S1)', async () => {
        await on.granted('a', grantee('first'));
        const held = await on.acquire('a', grantee('second'));
        expect(held.kind).to.equal('held');
        if (held.kind !== 'held') return;
        expect(held.retryAfterMs).to.be.within(1, TTL_MS + factory.expirySlackMs);
        expect(held.holder?.leaseId).to.be.oneOf([grantee('first').leaseId, undefined]);
      });

      it('gives one resource to one of many bids that arrive together (S1)', async () => {
        const bids = Array.from({ length: 20 }, (_, index) => acquireBid('a', grantee(`c${index}`)));
        const batches = [bids.slice(0, 10), bids.slice(10)].map((batch) => opened.store.acquire(batch));
        const answers = (await Promise.all(batches)).flat();
        expect(answers.filter(({ kind }) => kind === 'granted')).to.have.length(1);
        expect(answers.filter(({ kind }) => kind === 'held')).to.have.length(19);
      });

      it('answers each entry at its index, and a bad one fails alone', async () => {
        await on.granted('taken', grantee('holder'));
        const answers = await opened.store.acquire([
          acquireBid('taken', grantee('x')),
          acquireBid('n'.repeat(5_000), grantee('x')),
          acquireBid('free', grantee('x')),
          acquireBid('other', grantee('x', { ttlMs: Number.NaN })),
          acquireBid('free too', grantee('x')),
        ]);
        const kinds = answers.map(({ kind }) => kind);
        expect(kinds).to.deep.equal(['held', 'unavailable', 'granted', 'unavailable', 'granted']);
        expect(await opened.store.acquire([])).to.deep.equal([]);
      });

      it('grants again when the lease has run out, and not before (S1, S3)', async () => {
        await on.granted('a', grantee('first'));
        await opened.passTime(TTL_MS - 1);
        expect(await on.acquire('a', grantee('second'))).to.include({ kind: 'held' });
        await opened.passTime(1 + factory.expirySlackMs);
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

    describe('tokens', () => {
      it('rise with every grant of a resource, however the lease before ended (S2)', async () => {
        const tokens = [await on.granted('a', grantee('one'))];
        await on.release('a', 'one');
        tokens.push(await on.granted('a', grantee('two')));
        await pastExpiry();
        const three = await on.granted('a', grantee('three'));
        tokens.push(three);
        tokens.push(await on.handedOff('a', { secret: 'three', token: three }, grantee('four')));
        await on.release('a', 'four');
        await opened.restart();
        tokens.push(await on.granted('a', grantee('five')));
        expectRising(tokens);
      });

      it('rise over the whole store where that is promised (S2)', async () => {
        const batch = ['x', 'y', 'z'].map((text) => acquireBid(text, grantee(text)));
        const answers = [...(await opened.store.acquire(batch)), await on.acquire('w', grantee('w'))];
        const tokens = answers.map((answer) => (answer.kind === 'granted' ? answer.token : 0n));
        if (factory.tokensRiseStoreWide) expectRising(tokens);
        expect(tokens).to.not.include(0n);
      });
    });

    describe('extend', () => {
      it('renews only the record with that hash and token, and raises its expiry', async () => {
        const token = await on.granted('a', grantee('h'));
        await opened.passTime(TTL_MS / 2);
        expect(await on.extend('a', 'h', token)).to.equal('renewed');
        expect(await on.extend('a', 'h', token + 1n)).to.equal('lost');
        expect(await on.extend('a', 'other', token)).to.equal('lost');
        expect(await on.extend('b', 'h', token)).to.equal('lost');
        await opened.passTime(TTL_MS - 1);
        expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
      });

      it('never shortens (S3)', async () => {
        const token = await on.granted('a', grantee('h'));
        expect(await on.extend('a', 'h', token, 1)).to.equal('renewed');
        await opened.passTime(TTL_MS - 1);
        expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
        expect(await on.extend('a', 'h', token)).to.equal('renewed');
      });

      it('does not bring back what has run out or was released (S4)', async () => {
        const first = await on.granted('a', grantee('h'));
        await pastExpiry();
        expect(await on.extend('a', 'h', first)).to.equal('lost');
        const second = await on.granted('a', grantee('g'));
        await on.release('a', 'g');
        expect(await on.extend('a', 'g', second)).to.equal('lost');
        await on.granted('a', grantee('x'));
      });

      it('answers entry by entry', async () => {
        const token = await on.granted('a', grantee('h'));
        const bids = [extendBid('a', 'x', token), extendBid('a', 'h', token), extendBid('b', 'h', token)];
        expect(await opened.store.extend(bids)).to.deep.equal(['lost', 'renewed', 'lost']);
      });
    });

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

      it('says gone when the lease had run out', async () => {
        await on.granted('a', grantee('h'));
        await pastExpiry();
        expect(await on.release('a', 'h')).to.equal('gone');
      });
    });

    describe('adopt', () => {
      it('swaps the secret, keeps the token, and leaves the old secret without effect (S6)', async () => {
        const token = await on.granted('a', grantee('h'));
        const renewed = grantee('h', { secret: 'h2' });
        expect(await on.adopt('a', ['h'], token, renewed)).to.deep.equal({ kind: 'adopted', token });
        expect(await on.extend('a', 'h', token)).to.equal('lost');
        expect(await on.release('a', 'h')).to.equal('gone');
        expect(await on.extend('a', 'h2', token)).to.equal('renewed');
        expect(await on.adopt('a', ['h'], token, renewed)).to.deep.equal({ kind: 'adopted', token });
      });

      it('finds the lease by any of the presented secrets, with or without the token', async () => {
        const token = await on.granted('a', grantee('h'));
        const presented = ['never used', 'h', 'nor this'];
        const answer = await on.adopt('a', presented, undefined, grantee('h', { secret: 'h2' }));
        expect(answer).to.deep.equal({ kind: 'adopted', token });
      });

      it('takes no lease of another token or secret', async () => {
        const token = await on.granted('a', grantee('h'));
        expect(await on.adopt('a', ['h'], token + 1n, grantee('h', { secret: 'h2' }))).to.include({ kind: 'lost' });
        expect(await on.adopt('a', ['x'], token, grantee('x', { secret: 'x2' }))).to.include({ kind: 'lost' });
        expect(await on.adopt('b', ['h'], token, grantee('h', { secret: 'h2' }))).to.include({ kind: 'lost' });
        expect(await on.extend('a', 'h', token)).to.equal('renewed');
      });

      it('raises the expiry and never shortens it (S3)', async () => {
        const token = await on.granted('a', grantee('h'));
        await opened.passTime(TTL_MS / 2);
        await on.adopt('a', ['h'], token, grantee('h', { secret: 'h2' }));
        await opened.passTime(TTL_MS - 1);
        await on.adopt('a', ['h2'], token, grantee('h', { secret: 'h3', ttlMs: 2 * TTL_MS }));
        await on.adopt('a', ['h3'], token, grantee('h', { secret: 'h4', ttlMs: 1 }));
        await opened.passTime(2 * TTL_MS - 1);
        expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
      });

      it('does not bring back what has run out, was released or handed off (S4)', async () => {
        const first = await on.granted('a', grantee('h'));
        await pastExpiry();
        expect(await on.adopt('a', ['h'], first, grantee('h', { secret: 'h2' }))).to.include({ kind: 'lost' });
        const second = await on.granted('a', grantee('g'));
        await on.handedOff('a', { secret: 'g', token: second }, grantee('next'));
        expect(await on.adopt('a', ['g'], second, grantee('g', { secret: 'g2' }))).to.include({ kind: 'lost' });
        await on.release('a', 'next');
        expect(await on.adopt('a', ['next'], undefined, grantee('next'))).to.include({ kind: 'lost' });
      });

      it('lets the later of two resumes win when their secrets are nested', async () => {
        const token = await on.granted('a', grantee('h'));
        await on.adopt('a', ['h', 'h2'], token, grantee('h', { secret: 'h3' }));
        expect(await on.adopt('a', ['h'], token, grantee('h', { secret: 'h2' }))).to.include({ kind: 'lost' });
        expect(await on.extend('a', 'h3', token)).to.equal('renewed');
      });
    });

    describe('hand-off', () => {
      it('gives the resource to the next with a greater token, and the old holder has nothing (S1, S2)', async () => {
        const first = await on.granted('a', grantee('h'));
        const second = await on.handedOff('a', { secret: 'h', token: first }, grantee('n'));
        expectRising([first, second]);
        expect(await on.extend('a', 'h', first)).to.equal('lost');
        expect(await on.release('a', 'h')).to.equal('gone');
        expect(await on.extend('a', 'n', second)).to.equal('renewed');
      });

      it('is lost when the old holder is not there', async () => {
        const token = await on.granted('a', grantee('h'));
        const wrong = { secret: 'h', token: token + 1n };
        expect(await on.handOff('a', wrong, grantee('n'))).to.include({ kind: 'lost' });
        expect(await on.handOff('a', { secret: 'x', token }, grantee('n'))).to.include({ kind: 'lost' });
        await on.release('a', 'h');
        expect(await on.handOff('a', { secret: 'h', token }, grantee('n'))).to.include({ kind: 'lost' });
        await on.granted('a', grantee('x'));
      });

      it('gives the same answer again, and one lease only (S6)', async () => {
        const first = await on.granted('a', grantee('h'));
        const from = { secret: 'h', token: first };
        const second = await on.handedOff('a', from, grantee('n'));
        expect(await on.handedOff('a', from, grantee('n'))).to.equal(second);
        expect(await on.handOff('a', from, grantee('m'))).to.include({ kind: 'lost' });
      });

      it('starts a full time to live', async () => {
        const first = await on.granted('a', grantee('h'));
        await opened.passTime(TTL_MS - 1);
        await on.handedOff('a', { secret: 'h', token: first }, grantee('n'));
        await opened.passTime(TTL_MS - 1);
        expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
      });
    });

    describe('nomination', () => {
      const nominate = (...requests: readonly string[]): void =>
        opened.store.nominate(requests.map((request) => ({ resource: resource('a'), to: grantee(request) })));

      it('grants nothing by itself', async () => {
        nominate('n');
        const token = await on.granted('a', grantee('h'));
        nominate('n', 'n', 'h');
        expect(await on.extend('a', 'n', token)).to.equal('lost');
        expect(await on.release('a', 'n')).to.equal('gone');
        const resumed = grantee('n', { secret: 'n2' });
        expect(await on.adopt('a', ['n'], undefined, resumed)).to.include({ kind: 'lost' });
        expect(await on.acquire('a', resumed, ['n'])).to.include({ kind: 'held' });
        expect(await on.extend('a', 'h', token)).to.equal('renewed');
      });

      it('makes hand-offs no less right: tokens rise in any order of them (S2)', async () => {
        const tokens = [await on.granted('a', grantee('0'))];
        nominate('1', '2', '3', '4', '5');
        let holder = '0';
        for (const next of ['1', '3', '2', 'not nominated', '4', '5']) {
          const from = { secret: holder, token: tokens.at(-1) ?? 0n };
          tokens.push(await on.handedOff('a', from, grantee(next)));
          holder = next;
        }
        expectRising(tokens);
      });

      it('takes more of them than anybody needs', async () => {
        const token = await on.granted('a', grantee('h'));
        nominate(...Array.from({ length: 1_000 }, (_, index) => `n${index}`));
        const next = await on.handedOff('a', { secret: 'h', token }, grantee('n999'));
        expectRising([token, next, await on.handedOff('a', { secret: 'n999', token: next }, grantee('n0'))]);
      });

      it('goes with the lease', async () => {
        await on.granted('a', grantee('h'));
        nominate('n');
        await on.release('a', 'h');
        await on.granted('a', grantee('x'));
        expect(await on.acquire('a', grantee('n'))).to.include({ kind: 'held' });
      });
    });

    describe('listing', () => {
      it('lists the leases that are held, and only where that is promised', async () => {
        const token = await on.granted('a', grantee('h'));
        await on.granted('b', grantee('g'));
        await on.release('b', 'g');
        const leases = [...opened.store.storedLeases()];
        expect(leases).to.have.length(factory.capabilities.listsLeases ? 1 : 0);
        for (const lease of leases) expectLease(lease, grantee('h'), token);
      });

      it('leaves out what has run out', async () => {
        await on.granted('a', grantee('h'));
        await pastExpiry();
        expect([...opened.store.storedLeases()]).to.deep.equal([]);
      });
    });

    describe('restart', () => {
      it('keeps leases where that is promised, and ends them where it is not', async () => {
        const token = await on.granted('a', grantee('h'));
        await opened.restart();
        const adopted = await on.adopt('a', ['h'], token, grantee('h', { secret: 'h2' }));
        if (!factory.capabilities.resumeAfterRestart) {
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
        await opened.restart();
        expect(await on.extend('a', 'h', token)).to.equal('lost');
        await on.granted('a', grantee('x'));
      });

      it('ends leases that nobody comes back for, after one time to live (L3)', async () => {
        await on.granted('a', grantee('h'));
        await opened.restart();
        await pastExpiry();
        await on.granted('a', grantee('x'));
      });
    });

    it('answers after close that it is not there, and never rejects', async () => {
      const token = await on.granted('a', grantee('h'));
      await opened.store.close();
      expect(await on.acquire('b', grantee('x'))).to.include({ kind: 'unavailable' });
      expect(await on.extend('a', 'h', token)).to.equal('unknown');
      expect(await on.handOff('a', { secret: 'h', token }, grantee('n'))).to.include({ kind: 'unavailable' });
      expect(await on.adopt('a', ['h'], token, grantee('h'))).to.include({ kind: 'unknown' });
      expect(await on.release('a', 'h')).to.equal('unknown');
      opened.store.nominate([{ resource: resource('a'), to: grantee('n') }]);
      await opened.store.close();
    });
  });
}

/** A store's verbs for one entry. */
class Verbs {
  constructor(private readonly store: () => LeaseStore) {}

  async acquire(name: string, to: Grantee, earlier: readonly string[] = []): Promise<AcquireAnswer> {
    return only(await this.store().acquire([acquireBid(name, to, earlier)]));
  }

  async granted(name: string, to: Grantee): Promise<bigint> {
    return tokenOf(await this.acquire(name, to));
  }

  async extend(name: string, secret: string, token: bigint, ttlMs?: number): Promise<ExtendAnswer> {
    return only(await this.store().extend([extendBid(name, secret, token, ttlMs)]));
  }

  async handOff(name: string, from: { secret: string; token: bigint }, to: Grantee): Promise<HandOffAnswer> {
    return only(await this.store().handOff([handOffBid(name, from, to)]));
  }

  async handedOff(name: string, from: { secret: string; token: bigint }, to: Grantee): Promise<bigint> {
    return tokenOf(await this.handOff(name, from, to));
  }

  async adopt(
    name: string,
    presented: readonly string[],
    token: bigint | undefined,
    to: Grantee,
  ): Promise<AdoptAnswer> {
    return only(await this.store().adopt([adoptBid(name, presented, token, to)]));
  }

  async release(name: string, ...secrets: readonly string[]): Promise<string> {
    return only(await this.store().release([releaseBid(name, ...secrets)]));
  }
}

function only<T>(answers: readonly T[]): T {
  expect(answers).to.have.length(1);
  return answers[0] as T;
}

function tokenOf(answer: AcquireAnswer | HandOffAnswer): bigint {
  if (answer.kind !== 'granted') throw new Error(`expected a grant, got ${answer.kind}`);
  return answer.token;
}

function expectRising(tokens: readonly bigint[]): void {
  const sorted = [...new Set(tokens)].sort((a, b) => (a < b ? -1 : 1));
  expect(tokens).to.deep.equal(sorted);
}

function expectLease(lease: StoredLease, to: Grantee, token: bigint): void {
  const { resource: listed, remainingMs, grantedAtWallMs, ...rest } = lease;
  expect(rest).to.deep.equal({ ...to, token });
  expect(listed).to.equal(resource('a'));
  expect(remainingMs).to.be.greaterThan(0);
  expect(grantedAtWallMs).to.be.greaterThan(0);
}
