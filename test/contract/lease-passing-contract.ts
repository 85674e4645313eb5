import { expect } from 'chai';
import { grantee, resource, TTL_MS } from './store-bids.js';
import type { Subject } from './store-under-test.js';
import { expectRising, tokenOf } from './verbs.js';

export function describeAdopt(subject: Subject): void {
  const { on } = subject;
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

    it('finds the lease by any of the presented secrets', async () => {
      const token = await on.granted('a', grantee('h'));
      const presented = ['never used', 'h', 'nor this'];
      const answer = await on.adopt('a', presented, token, grantee('h', { secret: 'h2' }));
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
      await subject.passTime(TTL_MS / 2);
      await on.adopt('a', ['h'], token, grantee('h', { secret: 'h2' }));
      await subject.passTime(TTL_MS - 1);
      await on.adopt('a', ['h2'], token, grantee('h', { secret: 'h3', ttlMs: 2 * TTL_MS }));
      await on.adopt('a', ['h3'], token, grantee('h', { secret: 'h4', ttlMs: 1 }));
      await subject.passTime(2 * TTL_MS - 1);
      expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
    });

    it('does not bring back what has run out, was released or handed off (S4)', async () => {
      const first = await on.granted('a', grantee('h'));
      await subject.pastExpiry();
      expect(await on.adopt('a', ['h'], first, grantee('h', { secret: 'h2' }))).to.include({ kind: 'lost' });
      const second = await on.granted('a', grantee('g'));
      const third = await on.handedOff('a', { secret: 'g', token: second }, grantee('next'));
      expect(await on.adopt('a', ['g'], second, grantee('g', { secret: 'g2' }))).to.include({ kind: 'lost' });
      await on.release('a', 'next');
      expect(await on.adopt('a', ['next'], third, grantee('next'))).to.include({ kind: 'lost' });
    });

    it('lets the later of two resumes win when their secrets are nested', async () => {
      const token = await on.granted('a', grantee('h'));
      await on.adopt('a', ['h', 'h2'], token, grantee('h', { secret: 'h3' }));
      expect(await on.adopt('a', ['h'], token, grantee('h', { secret: 'h2' }))).to.include({ kind: 'lost' });
      expect(await on.extend('a', 'h3', token)).to.equal('renewed');
    });
  });
}

export function describeHandOff(subject: Subject): void {
  const { on } = subject;
  describe('hand-off', () => {
    it('gives the resource to the next with a greater token, and the old holder has nothing (S1, S2)', async () => {
      const first = await on.granted('a', grantee('h'));
      const answer = await on.handOff('a', { secret: 'h', token: first }, grantee('n'));
      expect(answer).to.include({ kind: 'granted', previous: 'released', wanted: false });
      const second = tokenOf(answer);
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
      expect(await on.extend('a', 'h', token)).to.equal('renewed');
    });

    it('of what has vanished is lost, or a new grant that says so (S1, S2)', async () => {
      const first = await on.granted('a', grantee('h'));
      await on.release('a', 'h');
      const answer = await on.handOff('a', { secret: 'h', token: first }, grantee('n'));
      if (answer.kind === 'granted') {
        expect(answer.previous).to.equal('gone');
        expectRising([first, answer.token]);
        expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
      } else {
        expect(answer).to.deep.equal({ kind: 'lost' });
        await on.granted('a', grantee('x'));
      }
    });

    it('asked for again gives one lease only, and the same answer where that is promised (S6)', async () => {
      const first = await on.granted('a', grantee('h'));
      const from = { secret: 'h', token: first };
      const second = await on.handedOff('a', from, grantee('n'));
      const again = await on.handOff('a', from, grantee('n'));
      if (subject.factory.repeatsAnswers) expect(again).to.include({ kind: 'granted', token: second });
      else expect(again).to.deep.equal({ kind: 'lost' });
      expect(await on.handOff('a', from, grantee('m'))).to.include({ kind: 'lost' });
      expect(await on.extend('a', 'n', second)).to.equal('renewed');
    });

    it('starts a full time to live', async () => {
      const first = await on.granted('a', grantee('h'));
      await subject.passTime(TTL_MS - 1);
      await on.handedOff('a', { secret: 'h', token: first }, grantee('n'));
      await subject.passTime(TTL_MS - 1);
      expect(await on.acquire('a', grantee('x'))).to.include({ kind: 'held' });
    });
  });
}

export function describeNomination(subject: Subject): void {
  const { on } = subject;
  describe('nomination', () => {
    const nominate = (...requests: readonly string[]): void =>
      subject.store.nominate(requests.map((request) => ({ resource: resource('a'), to: grantee(request) })));

    it('grants nothing by itself', async () => {
      nominate('n');
      const token = await on.granted('a', grantee('h'));
      nominate('n', 'n', 'h');
      expect(await on.extend('a', 'n', token)).to.equal('lost');
      expect(await on.release('a', 'n')).to.equal('gone');
      const resumed = grantee('n', { secret: 'n2' });
      expect(await on.adopt('a', ['n'], token, resumed)).to.include({ kind: 'lost' });
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
}
