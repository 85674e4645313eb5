import { expect } from 'chai';
import { lockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import {
  ballotKey,
  bid,
  bookkeeping,
  hashOf,
  nextToken,
  nextValue,
  TTL_MS,
  tokenOf,
} from '../support/redis-entries.js';
import { NodeRig, SETTINGS } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const KEY = 'holdfast:default:lock:orders/42';

describe('acquiring at a Redis node', () => {
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

  describe('acquire', () => {
    it('sets the lock and its ballot, each with its expiry, and notes the moment', async () => {
      const value = nextValue();
      const reply = await rig.batch('acquire', bid(KEY, value));
      expect(reply.kind === 'votes' && reply.votes).to.deep.equal([{ kind: 'ok' }]);
      expect(await redis.client.get(KEY)).to.equal(value);
      expect(await redis.client.get(ballotKey(KEY))).to.equal(String(tokenOf(value)));
      expect(await redis.client.pttl(KEY)).to.be.within(TTL_MS - 5_000, TTL_MS);
      expect(await redis.client.pttl(ballotKey(KEY))).to.be.within(SETTINGS.ballotMs - 5_000, SETTINGS.ballotMs);
      const seen = Number(await redis.client.get(bookkeeping('now')));
      expect(reply.kind === 'votes' && reply.standing.nowUs).to.equal(seen);
    });

    it('is refused while somebody holds the lock, also by its own value', async () => {
      const value = nextValue();
      await rig.vote('acquire', bid(KEY, value));
      for (const again of [value, nextValue(hashOf('b2'))]) {
        const vote = await rig.vote('acquire', bid(KEY, again));
        expect(vote).to.deep.include({ kind: 'held', value, holder: undefined });
        expect(vote.kind === 'held' && vote.expiresInMs).to.be.within(TTL_MS - 5_000, TTL_MS);
      }
      expect(await redis.client.get(ballotKey(KEY))).to.equal(String(tokenOf(value)));
    });

    it('says of a lock without an expiry that it has none', async () => {
      await redis.client.set(KEY, 'somebody else');
      const vote = await rig.vote('acquire', bid(KEY, nextValue()));
      expect(vote).to.deep.equal({ kind: 'held', value: 'somebody else', expiresInMs: -1, holder: undefined });
    });

    it('is refused by HELD before it is refused for its token', async () => {
      const value = nextValue();
      await rig.vote('acquire', bid(KEY, value));
      for (const offsetMs of [-120_000, 120_000]) {
        const vote = await rig.vote('acquire', bid(KEY, lockValue(hashOf('b2'), nextToken(offsetMs))));
        expect(vote).to.deep.include({ kind: 'held', value });
      }
      const low = await rig.vote('acquire', bid(KEY, lockValue(hashOf('b2'), tokenOf(value) - 1)));
      expect(low.kind).to.equal('held');
    });

    it('takes tokens within the window around its clock only, and leaves nothing of others', async () => {
      const inside = SETTINGS.windowMs - 5_000;
      const outside = SETTINGS.windowMs + 5_000;
      for (const [offsetMs, kind] of [
        [-inside, 'ok'],
        [inside, 'ok'],
        [-outside, 'behind'],
        [outside, 'ahead'],
      ] as const) {
        const key = `${KEY}${offsetMs}`;
        expect(await rig.vote('acquire', bid(key, lockValue(hashOf('a1'), nextToken(offsetMs))))).to.deep.equal({
          kind,
        });
        expect(await redis.client.exists(key, ballotKey(key))).to.equal(kind === 'ok' ? 2 : 0);
      }
    });

    it('takes the highest moment it has seen for its clock when its clock went back', async () => {
      const aheadUs = (Date.now() + 10 * SETTINGS.windowMs) * 1_000;
      await redis.client.set(bookkeeping('now'), String(aheadUs));
      const reply = await rig.batch('acquire', bid(KEY, nextValue()));
      expect(reply).to.deep.nested.include({ 'votes[0].kind': 'behind', 'standing.nowUs': aheadUs });
      expect(reply.kind === 'votes' && reply.standing.clockUs).to.be.lessThan(aheadUs);
      expect(await rig.vote('acquire', bid(KEY, lockValue(hashOf('a1'), aheadUs + 1)))).to.deep.equal({ kind: 'ok' });
      expect(await redis.client.get(bookkeeping('now'))).to.equal(String(aheadUs));
    });

    it('answers LOW up to the ballot, which stays, and OK above it', async () => {
      const ballot = nextToken();
      await redis.client.set(ballotKey(KEY), String(ballot));
      for (const token of [ballot - 1, ballot]) {
        const vote = await rig.vote('acquire', bid(KEY, lockValue(hashOf('a1'), token)));
        expect(vote).to.deep.equal({ kind: 'low', ballot });
        expect(await redis.client.exists(KEY)).to.equal(0);
        expect(await redis.client.get(ballotKey(KEY))).to.equal(String(ballot));
        expect(await redis.client.pttl(ballotKey(KEY))).to.be.greaterThan(0);
      }
      expect(await rig.vote('acquire', bid(KEY, lockValue(hashOf('a1'), ballot + 1)))).to.deep.equal({ kind: 'ok' });
    });

    it('takes a ballot that is no token for one far ahead, and answers the other entries all the same', async () => {
      for (const strange of ['1e300', '99999999999999999999', 'inf', `${nextToken(1_000)}.5`]) {
        await redis.client.set(ballotKey(KEY), strange);
        expect(await rig.votes('acquire', bid(KEY, nextValue()), bid(`next to ${strange}`, nextValue()))).to.deep.equal(
          [{ kind: 'low', ballot: Number.MAX_SAFE_INTEGER }, { kind: 'ok' }],
        );
      }
    });

    it('answers MINE for the value of an earlier secret, and changes nothing', async () => {
      const value = nextValue(hashOf('a1'));
      await rig.vote('acquire', bid(KEY, value));
      const before = await redis.client.pttl(KEY);
      const earlierHashes = [hashOf('c3'), hashOf('a1')];
      const vote = await rig.vote(
        'acquire',
        bid(KEY, nextValue(hashOf('b2')), { earlierHashes, waitingSinceUs: nextToken() }),
      );
      expect(vote).to.deep.equal({ kind: 'mine', hash: hashOf('a1'), token: tokenOf(value) });
      expect(await redis.client.get(KEY)).to.equal(value);
      expect(await redis.client.pttl(KEY)).to.be.at.most(before);
      const other = await rig.vote('acquire', bid(KEY, nextValue(hashOf('b2')), { earlierHashes: [hashOf('c3')] }));
      expect(other.kind).to.equal('held');
    });

    it('answers each entry of a batch for itself, the same key twice among them', async () => {
      const [first, second] = [nextValue(), nextValue(hashOf('b2'))];
      await redis.client.lpush('list', 'x');
      await redis.client.lpush(ballotKey('listed'), 'x');
      const votes = await rig.votes(
        'acquire',
        bid(KEY, first),
        bid(KEY, second),
        bid('list', nextValue()),
        bid('listed', nextValue()),
        bid('free', nextValue()),
      );
      expect(votes.map(({ kind }) => kind)).to.deep.equal(['ok', 'held', 'fault', 'fault', 'ok']);
      expect(votes[2]).to.deep.include({ code: 'wrong_type' });
      expect(votes[3]).to.deep.include({ code: 'wrong_type' });
      expect(await redis.client.exists('listed')).to.equal(0);
    });

    it('is exact to the last digit', async () => {
      const greatest = 2 ** 53 - 1;
      await redis.client.set(bookkeeping('now'), String(greatest - 1_000));
      const reply = await rig.batch('acquire', bid(KEY, lockValue(hashOf('a1'), greatest)));
      expect(reply).to.deep.nested.include({ 'votes[0].kind': 'ok', 'standing.nowUs': greatest - 1_000 });
      expect(await redis.client.get(ballotKey(KEY))).to.equal('9007199254740991');
      await redis.client.del(KEY);
      const low = await rig.vote('acquire', bid(KEY, lockValue(hashOf('a1'), greatest)));
      expect(low).to.deep.equal({ kind: 'low', ballot: greatest });
    });

    it('keeps names of any length and alphabet apart', async () => {
      const keys = ['ключ', '🔒'.repeat(200), 'a'.repeat(40), 'a'.repeat(300), 'a b\nc'];
      const votes = await rig.votes('acquire', ...keys.map((key) => bid(key, nextValue())));
      expect(votes.map(({ kind }) => kind)).to.deep.equal(keys.map(() => 'ok'));
      for (const key of keys) expect(await redis.client.exists(key, ballotKey(key)), key).to.equal(2);
    });

    it('takes 256 entries, and no more', async () => {
      const entries = Array.from({ length: 257 }, (_, index) => bid(`many/${index}`, nextValue()));
      expect((await rig.votes('acquire', ...entries.slice(1))).every(({ kind }) => kind === 'ok')).to.equal(true);
      expect(await rig.batch('acquire', ...entries)).to.deep.nested.include({
        kind: 'fault',
        'fault.message': 'was given 257 entries at once; at most 256',
      });
    });
  });
});
