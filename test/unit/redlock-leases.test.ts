import { expect } from 'chai';
import type { HandOffAnswer, ReleaseAnswer } from '../../server/src/core/store-port.js';
import { grantee, hashOf } from '../contract/store-bids.js';
import { CoordinatorRig, type RigServer } from '../support/redlock/coordinator-rig.js';

const KEY = 'holdfast:default:lock:a';

describe('a lease on a quorum of nodes', () => {
  let rig: CoordinatorRig;
  let server: RigServer;

  beforeEach(() => begin(5));

  async function begin(size: number, changes: Parameters<typeof CoordinatorRig.of>[1] = {}): Promise<void> {
    rig = await CoordinatorRig.of(size, changes);
    server = await rig.server();
  }

  const granted = (secret: string, at = server): Promise<bigint> => rig.during(at.on.granted('a', grantee(secret)));
  const extend = (secret: string, token: bigint, at = server): Promise<string> =>
    rig.during(at.on.extend('a', secret, token));
  const release = (secret: string, token: bigint, at = server): Promise<ReleaseAnswer> =>
    rig.during(at.on.releaseLease('a', secret, token));
  const handOff = (from: string, token: bigint, to: string, at = server): Promise<HandOffAnswer> =>
    rig.during(at.on.handOff('a', { secret: from, token }, grantee(to)));
  const adopt = (presented: readonly string[], token: bigint, to: string, at = server): Promise<{ kind: string }> =>
    rig.during(at.on.adopt('a', presented, token, grantee(to)));
  const value = (secret: string, token: bigint): string => `${hashOf(secret)}:${token}`;

  describe('extension', () => {
    it('is renewed by a quorum, lost when no quorum can have it, and unknown otherwise', async () => {
      const token = await granted('h');
      for (const number of [1, 2]) rig.redis(number).stop();
      await rig.pass(1);
      expect(await extend('h', token)).to.equal('renewed');
      rig.redis(3).stop();
      await rig.pass(1);
      expect(await extend('h', token)).to.equal('unknown');
      for (const number of [1, 2, 3]) rig.redis(number).start('empty');
      await rig.pass(500);
      for (const redis of rig.redises) redis.keys.delete(KEY);
      expect(await extend('h', token)).to.equal('lost');
    });

    it('puts the lease back where a node lost it, with its token, after a quorum said that it stands', async () => {
      const token = await granted('h');
      rig.redis(2).restart('empty');
      await rig.pass(500);
      expect(rig.values('a')[1]).to.equal(undefined);
      expect(await extend('h', token)).to.equal('renewed');
      await rig.pass(5);
      expect(rig.values('a')[1]).to.equal(value('h', token));
    });

    it('puts nothing back without a quorum, however many nodes miss it', async () => {
      const token = await granted('h');
      for (const number of [1, 2, 3]) rig.redis(number).keys.delete(KEY);
      expect(await extend('h', token)).to.equal('lost');
      await rig.pass(20);
      expect(rig.values('a').slice(0, 3)).to.deep.equal([undefined, undefined, undefined]);
    });

    it('puts nothing back where something else has happened since the node was asked', async () => {
      const token = await granted('h');
      rig.redis(5).keys.delete(KEY);
      rig.slowReplies(server, 5, 20);
      const asked = server.on.extend('a', 'h', token);
      await rig.pass(5);
      // Another bid comes and goes between what the node said and what it is told.
      rig.redis(5).keys.set(`\u0000ballot ${KEY}`, String(Number(token) + 1), 600_000);
      expect(await rig.during(asked)).to.equal('renewed');
      await rig.pass(100);
      expect(rig.values('a')[4]).to.equal(undefined);
    });

    it('puts nothing back for longer than the lease may have lasted, when a node says late that it misses it', async () => {
      const token = await granted('h');
      rig.redis(5).pause();
      rig.redis(5).keys.delete(KEY);
      expect(await extend('h', token)).to.equal('renewed');
      await rig.pass(700);
      rig.redis(5).resume();
      await rig.pass(20);
      expect(rig.values('a')[4], 'in its time').to.equal(value('h', token));
      expect(rig.redis(5).keys.expiresInMs(KEY)).to.be.at.most(310);
      rig.redis(5).pause();
      rig.redis(5).keys.delete(KEY);
      expect(await extend('h', token)).to.equal('renewed');
      await rig.pass(1_100);
      rig.redis(5).resume();
      await rig.pass(20);
      expect(rig.values('a')[4], 'long after it has expired').to.equal(undefined);
    });

    it('puts nothing back of what is given back before a quorum has said that it stands', async () => {
      const token = await granted('h');
      rig.redis(5).keys.delete(KEY);
      // Another bid has come and gone there, so that no tombstone tells.
      rig.redis(5).keys.set(`\u0000ballot ${KEY}`, String(Number(token) + 10), 600_000);
      const extended = server.on.extend('a', 'h', token);
      const released = server.on.releaseLease('a', 'h', token);
      expect(await rig.during(extended)).to.equal('renewed');
      expect(await rig.during(released)).to.equal('released');
      await rig.pass(20);
      expect(rig.values('a')[4]).to.equal(undefined);
    });

    it('puts nothing back where others share the keys (B7)', async () => {
      await begin(5, { keyTemplate: '{name}' });
      const token = await granted('h');
      for (const number of [2]) rig.redis(number).keys.delete('a');
      expect(await extend('h', token)).to.equal('renewed');
      await rig.pass(20);
      expect(rig.redis(2).keys.get('a')).to.equal(undefined);
    });

    it('survives five empty restarts one after another, with its token (C22)', async () => {
      const token = await granted('h');
      for (const number of [1, 2, 3, 4, 5]) {
        rig.redis(number).restart('empty');
        await rig.pass(300);
        expect(await extend('h', token)).to.equal('renewed');
        await rig.pass(5);
        await rig.admit(number);
      }
      expect(await extend('h', token)).to.equal('renewed');
      expect(new Set(rig.values('a'))).to.deep.equal(new Set([value('h', token)]));
      expect((await rig.during(server.on.acquire('a', grantee('x')))).kind).to.equal('held');
    });

    it('never shortens what stands (S3)', async () => {
      const token = await rig.during(server.on.granted('a', grantee('h', { ttlMs: 10_000 })));
      expect(await rig.during(server.on.extend('a', 'h', token, 1_000))).to.equal('renewed');
      await rig.pass(9_000);
      expect(rig.values('a')).to.not.include(undefined);
    });
  });

  describe('adoption', () => {
    it('swaps the secret by a quorum; the server of the old one finds it lost (B4b)', async () => {
      const other = await rig.server();
      const token = await granted('h');
      expect(await adopt(['h'], token, 'h2', other)).to.deep.equal({ kind: 'adopted', token });
      expect(await extend('h', token)).to.equal('lost');
      expect(await handOff('h', token, 'n')).to.include({ kind: 'lost' });
      expect(await release('h', token)).to.equal('gone');
      await rig.pass(20);
      expect(new Set(rig.values('a'))).to.deep.equal(new Set([value('h2', token)]));
    });

    it('is finished by later extensions at nodes it has not reached', async () => {
      const token = await granted('h');
      for (const number of [4, 5]) rig.redis(number).pause();
      expect(await adopt(['h'], token, 'h2')).to.deep.equal({ kind: 'adopted', token });
      // The calls to the two are lost with their connections.
      for (const number of [4, 5]) rig.redis(number).stop();
      await rig.pass(20);
      for (const number of [4, 5]) {
        rig.redis(number).start('kept');
        rig.redis(number).keys.set(KEY, value('h', token), 1_000);
      }
      await rig.pass(300);
      expect(await extend('h2', token)).to.equal('renewed');
      await rig.pass(5);
      expect(new Set(rig.values('a'))).to.deep.equal(new Set([value('h2', token)]));
    });

    it('of nested secrets by two servers ends with the newer one', async () => {
      const other = await rig.server();
      const token = await granted('h');
      server.nodes.forEach((node, index) => {
        node.requestMs = () => 1 + index * 3;
      });
      other.nodes.forEach((node, index) => {
        node.requestMs = () => 13 - index * 3;
      });
      const both = Promise.all([
        server.on.adopt('a', ['h'], token, grantee('h2')),
        other.on.adopt('a', ['h', 'h2'], token, grantee('h3')),
      ]);
      await rig.during(both);
      await rig.pass(50);
      expect(await extend('h3', token, other)).to.equal('renewed');
      expect(await extend('h2', token)).to.equal('lost');
    });
  });

  describe('hand-off', () => {
    it('swaps holder and token in one round', async () => {
      const first = await granted('h');
      const before = server.nodes[0]?.callsMade ?? 0;
      const answer = await handOff('h', first, 'n');
      expect(answer).to.include({ kind: 'granted', previous: 'released', wanted: false });
      expect((server.nodes[0]?.callsMade ?? 0) - before).to.equal(1);
      if (answer.kind !== 'granted') return;
      expect(answer.token > first).to.equal(true);
      await rig.pass(5);
      expect(new Set(rig.values('a'))).to.deep.equal(new Set([value('n', answer.token)]));
    });

    it('frees the old value where it could not be swapped', async () => {
      const first = await granted('h');
      for (const number of [1, 2]) {
        rig.redis(number).restart('empty');
        rig.redis(number).keys.set(KEY, value('h', first), 5_000);
      }
      await rig.pass(300);
      // Two nodes are not admitted any more: they hand nothing off, and have to let go all the same.
      const answer = await handOff('h', first, 'n');
      expect(answer.kind).to.equal('granted');
      await rig.pass(20);
      expect(rig.values('a').slice(0, 2)).to.deep.equal([undefined, undefined]);
    });

    it('that fails leaves neither of the two anywhere', async () => {
      const first = await granted('h');
      for (const number of [1, 2, 3]) {
        rig.redis(number).restart('empty');
        rig.redis(number).keys.set(KEY, value('h', first), 5_000);
      }
      await rig.pass(300);
      expect((await handOff('h', first, 'n')).kind).to.equal('unavailable');
      await rig.pass(50);
      expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
    });

    it('becomes an ordinary bid where the ballots are ahead of its token', async () => {
      const first = await granted('h');
      const ahead = Number(first) + 3_000_000;
      for (const redis of rig.redises) redis.keys.set(`\u0000ballot ${KEY}`, String(ahead), 600_000);
      const answer = await handOff('h', first, 'n');
      expect(answer.kind === 'granted' && Number(answer.token)).to.equal(ahead + 1);
      await rig.pass(20);
      expect(new Set(rig.values('a'))).to.deep.equal(new Set([value('n', BigInt(ahead + 1))]));
    });

    it('fails where ballots are so far ahead that no clock explains them (E6)', async () => {
      const first = await granted('h');
      for (const number of [1, 2, 3]) {
        rig.redis(number).keys.set(`\u0000ballot ${KEY}`, String(Number.MAX_SAFE_INTEGER), 600_000);
      }
      expect((await handOff('h', first, 'n')).kind).to.equal('unavailable');
      await rig.pass(50);
      expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
    });
  });

  describe('release', () => {
    it('frees every node, also those that could not be told at once', async () => {
      const token = await granted('h');
      rig.redis(4).pause();
      rig.redis(5).stop();
      await rig.pass(1);
      expect(await release('h', token)).to.equal('released');
      rig.redis(4).resume();
      rig.redis(5).start('kept');
      rig.redis(5).keys.set(KEY, value('h', token), 5_000);
      await rig.pass(1_000);
      expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
    });

    it('touches no other token of the same secret', async () => {
      const token = await granted('h');
      expect(await release('h', token - 1n)).to.equal('gone');
      expect(await extend('h', token)).to.equal('renewed');
      expect(await rig.during(server.on.release('a', 'h'))).to.equal('released');
    });

    it('frees what a moved lease has left at nodes its adoption has not reached', async () => {
      const token = await granted('h');
      const other = await rig.server();
      for (const number of [1, 2]) other.nodes[number - 1]?.cut('both');
      await rig.pass(10);
      expect((await adopt(['h'], token, 'h2', other)).kind).to.equal('adopted');
      for (const number of [1, 2]) other.nodes[number - 1]?.heal();
      for (const node of other.nodes) node.reconnect();
      await rig.pass(300);
      expect(rig.values('a').slice(0, 2)).to.deep.equal([value('h', token), value('h', token)]);
      // A hand-off that cannot be tried is a release of which nobody but this server knows the older secrets.
      const impossible = other.on.handOff('a', { secret: 'h2', token }, grantee('n', { ttlMs: 0 }));
      expect((await rig.during(impossible)).kind).to.equal('unavailable');
      await rig.pass(20);
      expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
    });

    it('keeps what comes late from bringing the lease back', async () => {
      const [fifth] = server.nodes.slice(4);
      if (fifth === undefined) throw new RangeError('there are five nodes');
      const usualMs = fifth.requestMs;
      fifth.requestMs = () => 500;
      const token = await granted('h');
      // The bid is still on its way there when all that is sent later has arrived.
      fifth.requestMs = usualMs;
      fifth.reconnect();
      expect(await release('h', token)).to.equal('released');
      await rig.pass(600);
      expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
    });
  });
});
