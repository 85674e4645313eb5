import { expect } from 'chai';
import { lockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import {
  ballotKey,
  bid,
  bookkeeping,
  hashOf,
  nextToken,
  nextValue,
  passing,
  TTL_MS,
  tokenOf,
  wantKey,
} from '../support/redis-entries.js';
import { listeners, NodeRig } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const KEY = 'holdfast:default:lock:orders/42';

describe('passing locks on at a Redis node', () => {
  let redis: RedisServer;
  let rig: NodeRig;
  let other: NodeRig;
  let sharing: NodeRig;

  before(async () => {
    redis = await startRedis();
    rig = await NodeRig.verified(redis.url);
    other = await NodeRig.verified(redis.url, { serverId: 'server-2' });
    sharing = await NodeRig.verified(redis.url, { settings: { keyTemplate: '{name}' } });
    await listeners(redis, 3);
  });
  after(async () => {
    for (const each of [rig, other, sharing]) await each?.node.close();
    await redis?.stop();
  });
  beforeEach(async () => {
    await redis.client.flushall();
    await rig.declare();
  });

  describe('hand-off', () => {
    it('swaps any of the old values for the next, with its own token and expiry', async () => {
      const [old, next] = [nextValue(), nextValue(hashOf('b2'))];
      await redis.client.set(KEY, old, 'PX', 4 * TTL_MS);
      const vote = await rig.vote('hand_off', passing(KEY, [nextValue(hashOf('c3')), old], next));
      expect(vote).to.deep.equal({ kind: 'ok', how: 'swapped', wanted: false });
      expect(await redis.client.get(KEY)).to.equal(next);
      expect(await redis.client.pttl(KEY)).to.be.within(TTL_MS - 5_000, TTL_MS);
      expect(await redis.client.get(ballotKey(KEY))).to.equal(String(tokenOf(next)));
      expect(await redis.client.exists(bookkeeping('now'))).to.equal(1);
    });

    it('gives what is free afresh', async () => {
      const next = nextValue();
      const vote = await rig.vote('hand_off', passing(KEY, [nextValue(hashOf('b2'))], next));
      expect(vote).to.deep.equal({ kind: 'ok', how: 'fresh', wanted: false });
      expect(await redis.client.get(KEY)).to.equal(next);
    });

    it('is refused where another value stands, whatever the token', async () => {
      await redis.client.set(KEY, nextValue(hashOf('c3')));
      for (const offsetMs of [-120_000, 0, 120_000]) {
        const next = lockValue(hashOf('b2'), nextToken(offsetMs));
        expect(await rig.vote('hand_off', passing(KEY, [nextValue()], next))).to.deep.equal({ kind: 'held' });
      }
    });

    it('keeps to the rules of a grant, and leaves the old holder where it was', async () => {
      const old = nextValue();
      await redis.client.set(KEY, old);
      const ballot = nextToken(10_000);
      await redis.client.set(ballotKey(KEY), String(ballot));
      for (const [token, vote] of [
        [nextToken(120_000), { kind: 'ahead' }],
        [nextToken(-120_000), { kind: 'behind' }],
        [ballot, { kind: 'low', ballot }],
        [ballot - 1, { kind: 'low', ballot }],
      ] as const) {
        expect(await rig.vote('hand_off', passing(KEY, [old], lockValue(hashOf('b2'), token)))).to.deep.equal(vote);
        expect(await redis.client.get(KEY)).to.equal(old);
        expect(await redis.client.get(ballotKey(KEY))).to.equal(String(ballot));
      }
    });
  });

  describe('wants', () => {
    it('are left by who is refused and waits, and found at a hand-off by everybody else', async () => {
      const [held, next, last] = [nextValue(), nextValue(hashOf('b2')), nextValue(hashOf('c3'))];
      await rig.vote('acquire', bid(KEY, held));
      await other.vote('acquire', bid(KEY, nextValue(hashOf('d4'))));
      expect(await redis.client.exists(wantKey(KEY), bookkeeping('want'))).to.equal(0);
      await other.vote('acquire', bid(KEY, nextValue(hashOf('d4')), { waitingSinceUs: nextToken() }));
      expect(await redis.client.get(wantKey(KEY))).to.match(/^server-2 \d+ \d+\n$/);
      expect(await redis.client.pttl(bookkeeping('want'))).to.be.at.least(await redis.client.pttl(wantKey(KEY)));
      const handed = await rig.vote('hand_off', passing(KEY, [held], next));
      expect(handed).to.deep.equal({ kind: 'ok', how: 'swapped', wanted: true });
      const own = await other.vote('hand_off', passing(KEY, [next], last));
      expect(own).to.deep.equal({ kind: 'ok', how: 'swapped', wanted: false });
      expect(await redis.client.get(wantKey(KEY))).to.match(/^server-2 /);
    });

    it('are told of a release, with all who listen', async () => {
      const held = nextValue();
      await rig.vote('acquire', bid(KEY, held));
      await other.vote('acquire', bid(KEY, nextValue(hashOf('d4')), { waitingSinceUs: nextToken() }));
      const vote = await rig.vote('release', { key: KEY, values: [held], tombstone: tokenOf(held), waitingSinceUs: 0 });
      expect(vote).to.deep.equal({ kind: 'released', wanted: true });
      for (const each of [rig, other]) await each.told((event) => event.kind === 'released' && event.key === KEY);
    });

    it('of the one who releases are not somebody else waiting', async () => {
      const held = nextValue();
      await other.vote('acquire', bid(KEY, held));
      await other.vote('acquire', bid(KEY, nextValue(hashOf('d4')), { waitingSinceUs: nextToken() }));
      const vote = await other.vote('release', { key: KEY, values: [held], tombstone: 0, waitingSinceUs: 0 });
      expect(vote).to.deep.equal({ kind: 'released', wanted: false });
      expect(await redis.client.exists(wantKey(KEY))).to.equal(0);
    });

    it('are found as long as they are repeated: the flag that says so is renewed with them', async () => {
      await rig.vote('acquire', bid(KEY, nextValue()));
      const wanting = bid(KEY, nextValue(hashOf('d4')), { waitingSinceUs: nextToken() });
      await other.vote('acquire', wanting);
      await redis.client.pexpire(bookkeeping('want'), 500);
      await other.vote('acquire', wanting);
      expect(await redis.client.pttl(bookkeeping('want'))).to.be.at.least(await redis.client.pttl(wantKey(KEY)));
    });

    it('are not looked into while the flag says that there are none', async () => {
      const held = nextValue();
      await rig.vote('acquire', bid(KEY, held));
      await redis.client.set(wantKey(KEY), `server-2 1 ${nextToken()}\n`);
      const next = nextValue(hashOf('b2'));
      expect(await rig.vote('hand_off', passing(KEY, [held], next))).to.deep.include({ wanted: false });
      const vote = await rig.vote('release', { key: KEY, values: [next], tombstone: 0, waitingSinceUs: 0 });
      expect(vote).to.deep.equal({ kind: 'released', wanted: false });
    });

    it('of several servers stand side by side', async () => {
      const held = nextValue();
      await rig.vote('acquire', bid(KEY, held));
      await rig.vote('acquire', bid(KEY, nextValue(hashOf('d4')), { waitingSinceUs: nextToken() }));
      await other.vote('acquire', bid(KEY, nextValue(hashOf('d5')), { waitingSinceUs: nextToken() }));
      const handed = await rig.vote('hand_off', passing(KEY, [held], nextValue(hashOf('b2'))));
      expect(handed).to.deep.include({ wanted: true });
    });

    it('ask once who the holder is, and no more when it has been introduced', async () => {
      const held = nextValue();
      const from = rig.events.length;
      await rig.vote('acquire', bid(KEY, held));
      const wanting = bid(KEY, nextValue(hashOf('d4')), { waitingSinceUs: nextToken() });
      await other.votes('acquire', wanting, wanting);
      await other.vote('acquire', wanting);
      await rig.told((event) => event.kind === 'wanted' && event.key === KEY, from);
      expect(await rig.vote('introduce', { key: KEY, value: held, holder: 'invoicer' })).to.deep.equal({ kind: 'ok' });
      await redis.client.del(`${KEY}\u0000q`);
      expect(await other.vote('acquire', wanting)).to.deep.include({ kind: 'held', value: held, holder: 'invoicer' });
      // Hints arrive in order: when this one is here, no other is on its way.
      await rig.vote('release', { key: KEY, values: [held], tombstone: 0, waitingSinceUs: 0 });
      await rig.told((event) => event.kind === 'released', from);
      expect(rig.events.slice(from).filter(({ kind }) => kind === 'wanted')).to.have.length(1);
    });
  });

  describe('introductions', () => {
    it('are of one value only', async () => {
      const [held, next] = [nextValue(), nextValue(hashOf('b2'))];
      const early = await rig.vote('introduce', { key: KEY, value: held, holder: 'invoicer' });
      expect(early).to.deep.equal({ kind: 'refused' });
      await rig.vote('acquire', bid(KEY, held));
      await rig.vote('introduce', { key: KEY, value: held, holder: 'invoicer' });
      await rig.vote('hand_off', passing(KEY, [held], next));
      const vote = await other.vote('acquire', bid(KEY, nextValue(hashOf('d4'))));
      expect(vote).to.deep.include({ kind: 'held', value: next, holder: undefined });
      expect(await redis.client.pttl(`${KEY}\u0000i`)).to.be.greaterThan(0);
    });
  });

  describe('keys that are shared with other libraries', () => {
    it('may always be wanted, and are never repaired', async () => {
      const [held, next] = [nextValue(), nextValue(hashOf('b2'))];
      await sharing.vote('acquire', bid(KEY, held));
      const handed = await sharing.vote('hand_off', passing(KEY, [held], next));
      expect(handed).to.deep.equal({ kind: 'ok', how: 'swapped', wanted: true });
      await redis.client.del(KEY);
      const repair = { key: KEY, value: next, token: tokenOf(next), ballot: tokenOf(next) };
      const vote = await sharing.vote('repair', { ...repair, notAfterUs: nextToken(10_000) });
      expect(vote).to.deep.equal({ kind: 'refused' });
      expect((await rig.vote('repair', { ...repair, notAfterUs: nextToken(10_000) })).kind).to.equal('ok');
    });
  });

  describe('a node that must not grant', () => {
    it('bars acquire and hand-off while it is not admitted, and nothing else', async () => {
      const value = nextValue();
      await rig.vote('acquire', bid(KEY, value));
      await rig.errand({ kind: 'unadmit' });
      for (const reply of [
        await rig.batch('acquire', bid('free', nextValue())),
        await rig.batch('hand_off', passing(KEY, [value], nextValue(hashOf('b2')))),
      ]) {
        expect(reply).to.deep.nested.include({ kind: 'barred', why: 'not_admitted', 'standing.admitted': false });
      }
      expect(await redis.client.exists('free')).to.equal(0);
      expect(await redis.client.get(KEY)).to.equal(value);
      expect((await rig.vote('extend', { key: KEY, value, expiryMs: TTL_MS })).kind).to.equal('ok');
      const swapped = lockValue(hashOf('b2'), tokenOf(value));
      const adopted = await rig.vote('adopt', { key: KEY, presented: [value], value: swapped, expiryMs: TTL_MS });
      expect(adopted.kind).to.equal('ok');
      expect(
        (await rig.vote('release', { key: KEY, values: [swapped], tombstone: 0, waitingSinceUs: 0 })).kind,
      ).to.equal('released');
      const repair = { key: KEY, value, token: tokenOf(value), ballot: tokenOf(value), notAfterUs: nextToken(10_000) };
      expect((await rig.vote('repair', repair)).kind).to.equal('ok');
    });

    it('bars them under another configuration, and says which', async () => {
      for (const [text, configuration] of [
        ['c0ffee/2', { hash: 'c0ffee', generation: 2 }],
        ['decaf/1', { hash: 'decaf', generation: 1 }],
        [undefined, undefined],
      ] as const) {
        await redis.client.del(bookkeeping('cfg'));
        if (text !== undefined) await redis.client.set(bookkeeping('cfg'), text);
        const reply = await rig.batch('acquire', bid(KEY, nextValue()));
        expect(reply).to.deep.include({ kind: 'barred', why: 'other_configuration' });
        expect(reply.kind === 'barred' && reply.standing.configuration).to.deep.equal(configuration);
      }
    });
  });
});
