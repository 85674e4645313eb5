import { expect } from 'chai';
import type { BatchVerb, BatchVerbs } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { ballotKey, bid, hashOf, nextValue, passing, TTL_MS, tokenOf } from '../support/redis-entries.js';
import { NodeRig } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const ENTRIES = 100;
const keys = Array.from({ length: ENTRIES }, (_, index) => `holdfast:default:lock:orders/${index}`);

/** What a call costs besides its entries. */
const PER_CALL = { evalsha: 1, mget: 1, time: 1 };

describe('the commands that a batch costs a Redis node', () => {
  let redis: RedisServer;
  let rig: NodeRig;

  before(async () => {
    redis = await startRedis();
    rig = await NodeRig.admitted(redis.url);
  });
  after(async () => {
    await rig?.node.close();
    await redis?.stop();
  });

  /** Counts, without those of the test itself and of the rig's check by timer. */
  async function costOf<V extends BatchVerb>(
    verb: V,
    kind: string,
    entries: readonly BatchVerbs[V]['entry'][],
  ): Promise<Record<string, number>> {
    await redis.client.config('RESETSTAT');
    const votes = await rig.votes(verb, ...entries);
    expect(new Set(votes.map((vote) => vote.kind))).to.deep.equal(new Set([kind]));
    const stats = await redis.client.info('commandstats');
    const counted = [...stats.matchAll(/^cmdstat_([a-z]+)[^:]*:calls=(\d+)/gm)].map(
      ([, command = '', calls]) => [command, Number(calls)] as const,
    );
    return Object.fromEntries(counted.filter(([command]) => command !== 'config' && command !== 'info'));
  }

  it('is two for each entry that is acquired, extended or released', async () => {
    const values = keys.map(() => nextValue());
    const valueAt = (index: number) => values[index] ?? nextValue();
    // One more, for the moment that is noted once.
    expect(
      await costOf(
        'acquire',
        'ok',
        keys.map((key, index) => bid(key, valueAt(index))),
      ),
    ).to.deep.equal({
      ...PER_CALL,
      set: 2 * ENTRIES + 1,
    });
    const extensions = keys.map((key, index) => ({ key, value: valueAt(index), expiryMs: 2 * TTL_MS }));
    expect(await costOf('extend', 'ok', extensions)).to.deep.equal({ ...PER_CALL, get: ENTRIES, pexpire: ENTRIES });
    const releases = keys.map((key, index) => ({
      key,
      values: [valueAt(index)],
      tombstone: tokenOf(valueAt(index)),
      waitingSinceUs: 0,
    }));
    expect(await costOf('release', 'released', releases)).to.deep.equal({ ...PER_CALL, get: ENTRIES, del: ENTRIES });
  });

  it('is three for each entry that is handed off', async () => {
    const held = nextValue();
    await rig.votes('acquire', ...keys.map((key) => bid(key, held)));
    const passes = keys.map((key) => passing(key, [held], nextValue(hashOf('b2'))));
    const cost = { ...PER_CALL, get: ENTRIES, set: 2 * ENTRIES + 1 };
    expect(await costOf('hand_off', 'ok', passes)).to.deep.equal(cost);
    await redis.client.del(...keys);
  });

  it('is two more in the rare case of a low token', async () => {
    await redis.client.mset(...keys.flatMap((key) => [ballotKey(key), String(tokenOf(nextValue()) + 1_000_000)]));
    const bids = keys.map((key) => bid(key, nextValue()));
    expect(await costOf('acquire', 'low', bids)).to.deep.equal({ ...PER_CALL, set: 3 * ENTRIES, del: ENTRIES });
  });
});
