import { expect } from 'chai';
import { anyValueOf, lockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { ballotKey, bid, hashOf, nextToken, nextValue, TTL_MS, tokenOf } from '../support/redis-entries.js';
import { NodeRig, SETTINGS } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const KEY = 'holdfast:default:lock:orders/42';

describe('the upkeep of a lock at a Redis node', () => {
  let redis: RedisServer;
  let rig: NodeRig;

  before(async () => {
    redis = await startRedis();
    rig = await NodeRig.verified(redis.url);
  });
  after(async () => {
    await rig?.node.close();
    await redis?.stop();
  });
  beforeEach(async () => {
    await redis.client.flushall();
    await rig.declare();
  });

  describe('extend', () => {
    it('raises the expiry, and never lowers it', async () => {
      const value = nextValue();
      await rig.vote('acquire', bid(KEY, value));
      expect(await rig.vote('extend', { key: KEY, value, expiryMs: 2 * TTL_MS })).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.pttl(KEY)).to.be.greaterThan(TTL_MS + 1_000);
      expect(await rig.vote('extend', { key: KEY, value, expiryMs: 1_000 })).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.pttl(KEY)).to.be.greaterThan(TTL_MS + 1_000);
    });

    it('tells a missing lock from a lost one, and with which ballot', async () => {
      const value = nextValue();
      const entry = { key: KEY, value, expiryMs: TTL_MS };
      expect(await rig.vote('extend', entry)).to.deep.equal({ kind: 'missing', ballot: undefined });
      await rig.vote('acquire', bid(KEY, value));
      await redis.client.del(KEY);
      expect(await rig.vote('extend', entry)).to.deep.equal({ kind: 'missing', ballot: tokenOf(value) });
      await redis.client.set(KEY, nextValue(hashOf('b2')));
      expect(await rig.vote('extend', entry)).to.deep.equal({ kind: 'lost' });
      await redis.client.del(KEY);
      await redis.client.lpush(KEY, 'x');
      expect(await rig.vote('extend', entry)).to.deep.include({ kind: 'fault', code: 'wrong_type' });
    });
  });

  describe('adopt', () => {
    const [old, older] = [nextValue(hashOf('a1')), nextValue(hashOf('a2'))];
    const value = lockValue(hashOf('b2'), tokenOf(old));
    const entry = { key: KEY, presented: [older, old], value, expiryMs: TTL_MS };

    it('swaps what was presented for the new value, with its ballot untouched and its expiry only raised', async () => {
      await redis.client.set(KEY, old, 'PX', 4 * TTL_MS);
      await redis.client.set(ballotKey(KEY), '7');
      expect(await rig.vote('adopt', entry)).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.get(KEY)).to.equal(value);
      expect(await redis.client.pttl(KEY)).to.be.greaterThan(3 * TTL_MS);
      expect(await redis.client.get(ballotKey(KEY))).to.equal('7');
    });

    it('counts the new value as swapped, and raises its expiry', async () => {
      await redis.client.set(KEY, value, 'PX', 1_000);
      expect(await rig.vote('adopt', entry)).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.pttl(KEY)).to.be.greaterThan(TTL_MS - 5_000);
    });

    it('is lost where another value stands, and missing where none does', async () => {
      await redis.client.set(KEY, nextValue(hashOf('c3')));
      expect(await rig.vote('adopt', entry)).to.deep.equal({ kind: 'lost' });
      await redis.client.del(KEY);
      await redis.client.set(ballotKey(KEY), '7');
      expect(await rig.vote('adopt', entry)).to.deep.equal({ kind: 'missing', ballot: 7 });
    });
  });

  describe('release', () => {
    it('deletes any of the values, and leaves the ballot', async () => {
      for (const values of [[nextValue()], [nextValue(hashOf('b2')), nextValue()]]) {
        const value = values.at(-1) ?? nextValue();
        await rig.vote('acquire', bid(KEY, value));
        const vote = await rig.vote('release', { key: KEY, values, tombstone: tokenOf(value), waitingSinceUs: 0 });
        expect(vote).to.deep.equal({ kind: 'released', wanted: false });
        expect(await redis.client.exists(KEY)).to.equal(0);
        expect(await redis.client.get(ballotKey(KEY))).to.equal(String(tokenOf(value)));
      }
    });

    it('deletes whatever value of a secret, where no token is known', async () => {
      await redis.client.set(KEY, nextValue(hashOf('a1')));
      const others = { key: KEY, values: [anyValueOf(hashOf('b2'))], tombstone: 0, waitingSinceUs: 0 };
      expect(await rig.vote('release', others)).to.deep.equal({ kind: 'gone' });
      const own = { key: KEY, values: [anyValueOf(hashOf('a1'))], tombstone: 0, waitingSinceUs: 0 };
      expect(await rig.vote('release', own)).to.deep.equal({ kind: 'released', wanted: false });
    });

    it('never deletes another token of the same secret', async () => {
      const value = nextValue();
      await redis.client.set(KEY, value);
      const other = lockValue(hashOf('a1'), tokenOf(value) + 1);
      expect(await rig.vote('release', { key: KEY, values: [other], tombstone: 0, waitingSinceUs: 0 })).to.deep.equal({
        kind: 'gone',
      });
      expect(await redis.client.get(KEY)).to.equal(value);
    });

    it('leaves a tombstone where nothing of it stands, so that a late acquire is LOW', async () => {
      const value = nextValue();
      const buried = { key: KEY, values: [value], tombstone: tokenOf(value), waitingSinceUs: 0 };
      expect(await rig.vote('release', buried)).to.deep.equal({ kind: 'gone' });
      expect(await redis.client.pttl(ballotKey(KEY))).to.be.within(SETTINGS.ballotMs - 5_000, SETTINGS.ballotMs);
      const ballot = tokenOf(value) + 1;
      expect(await rig.vote('acquire', bid(KEY, value))).to.deep.equal({ kind: 'low', ballot });
      await rig.vote('release', { ...buried, tombstone: tokenOf(value) - 5 });
      expect(await redis.client.get(ballotKey(KEY))).to.equal(String(ballot));
    });

    it('buries nothing further ahead than the window', async () => {
      const reply = await rig.batch('release', {
        key: KEY,
        values: [nextValue()],
        tombstone: nextToken(600_000),
        waitingSinceUs: 0,
      });
      const nowUs = reply.kind === 'votes' ? reply.standing.nowUs : 0;
      expect(await redis.client.get(ballotKey(KEY))).to.equal(String(nowUs + SETTINGS.windowMs * 1_000));
    });

    it('leaves no ballot without a tombstone', async () => {
      await rig.vote('release', { key: KEY, values: [nextValue()], tombstone: 0, waitingSinceUs: 0 });
      expect(await redis.client.exists(ballotKey(KEY))).to.equal(0);
    });
  });

  describe('repair', () => {
    const value = lockValue(hashOf('a1'), 1_000);
    const entry = { key: KEY, value, token: 1_000, ballot: undefined };
    const soonUs = (): number => (Date.now() + 10_000) * 1_000;

    it('puts the lock back for what was left of it, and raises the ballot to its token', async () => {
      expect(await rig.vote('repair', { ...entry, notAfterUs: soonUs() })).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.get(KEY)).to.equal(value);
      expect(await redis.client.pttl(KEY)).to.be.within(1_000, 10_000);
      expect(await redis.client.get(ballotKey(KEY))).to.equal('1000');
    });

    it('leaves a higher ballot that is the one that was read', async () => {
      await redis.client.set(ballotKey(KEY), '5000', 'PX', 60_000);
      const vote = await rig.vote('repair', { ...entry, ballot: 5_000, notAfterUs: soonUs() });
      expect(vote).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.get(ballotKey(KEY))).to.equal('5000');
    });

    it('is refused where anything has happened since, and where its time is over', async () => {
      const refused = async (more: object): Promise<void> => {
        const vote = await rig.vote('repair', { ...entry, notAfterUs: soonUs(), ...more });
        expect(vote).to.deep.equal({ kind: 'refused' });
      };
      await refused({ ballot: 1_000 });
      await refused({ notAfterUs: (Date.now() - 1) * 1_000 });
      await redis.client.set(ballotKey(KEY), '1001');
      await refused({});
      await refused({ ballot: 1_000 });
      expect(await redis.client.exists(KEY)).to.equal(0);
      await redis.client.set(KEY, 'x');
      await refused({ ballot: 1_001 });
    });
  });

  describe('forget', () => {
    it('deletes a lock that outlasts the limit, and one that never expires', async () => {
      await redis.client.set(KEY, 'x', 'PX', 50_000);
      const kept = await rig.vote('forget', { key: KEY, longerThanMs: 60_000 });
      expect(kept).to.deep.include({ kind: 'kept', value: 'x' });
      expect(kept.kind === 'kept' && kept.expiresInMs).to.be.within(40_000, 50_000);
      expect((await rig.vote('forget', { key: KEY, longerThanMs: 30_000 })).kind).to.equal('forgotten');
      await redis.client.set(KEY, 'y');
      const forgotten = await rig.vote('forget', { key: KEY, longerThanMs: 60_000 });
      expect(forgotten).to.deep.equal({ kind: 'forgotten', value: 'y', expiresInMs: -1 });
      expect(await rig.vote('forget', { key: KEY, longerThanMs: 60_000 })).to.deep.equal({ kind: 'absent' });
    });
  });
});
