import { expect } from 'chai';
import { type ResourceKey, resourceKey } from '../../server/src/core/names.js';
import { type AcquireEntry, lockValue, type NodeToken } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { hashOf } from '../contract/store-bids.js';
import { LeftoverWatch } from '../simulation/leftover-watch.js';
import { ModelRedis } from '../support/redlock/model-redis.js';
import { redlockSettings } from '../support/redlock/model-settings.js';

const KEY = 'holdfast:default:lock:r1';
const RESOURCE: ResourceKey = resourceKey('default', 'r1');
const HASH = hashOf('h');
const TOKEN: NodeToken = 1_000;
const VALUE = lockValue(HASH, TOKEN);
/** Longer than anything a watch waits for. */
const LATER_MS = 2_000;

describe('a server that is watched for what it leaves at nodes', () => {
  let nowMs: number;
  let redis: ModelRedis;
  let watch: LeftoverWatch;
  let found: string[];

  beforeEach(() => {
    nowMs = 10_000;
    found = [];
    redis = new ModelRedis({ nowMs: () => nowMs, after: () => ({ cancel: () => undefined }) }, 'redis-1');
    const settings = redlockSettings({ keyTemplate: 'holdfast:{ns}:lock:{name}', maxTtlMs: 10_000 });
    watch = new LeftoverWatch(settings, { nowMs: () => nowMs, violated: (what) => void found.push(what) });
  });

  const asked = (): AcquireEntry => {
    const entry = { key: KEY, value: VALUE, expiryMs: 60_000, earlierHashes: [], waitingSinceUs: 0 };
    watch.asked([entry]);
    redis.keys.set(KEY, VALUE, 60_000);
    return entry;
  };

  /** The node answers calls for a while, each at once. */
  const answers = (forMs: number): void => {
    for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 10) watch.answered(redis, nowMs);
  };

  it('is found to leave a bid that came to nothing', () => {
    asked();
    answers(LATER_MS);
    expect(found[0]).to.equal(`redis-1 still has ${VALUE}, of which nothing came or is left`);
  });

  it('is found to leave a lease that was given back', () => {
    asked();
    watch.granted(HASH, BigInt(TOKEN));
    answers(LATER_MS);
    expect(found, 'while it is held').to.deep.equal([]);
    watch.released({ resource: RESOURCE, hashes: [HASH], token: BigInt(TOKEN) });
    answers(LATER_MS);
    expect(found).to.not.deep.equal([]);
  });

  it('may still be deleting it', () => {
    asked();
    answers(200);
    redis.keys.delete(KEY);
    answers(LATER_MS);
    expect(found).to.deep.equal([]);
  });

  it('may be unable to tell the node', () => {
    asked();
    for (let times = 0; times < 20; times += 1) {
      watch.lost(redis);
      watch.failed(redis);
      answers(100);
    }
    expect(found).to.deep.equal([]);
    answers(LATER_MS);
    expect(found, 'when it can').to.not.deep.equal([]);
  });

  it('has not left what a late copy of its call brings', () => {
    watch.copied([asked()]);
    answers(LATER_MS);
    expect(found).to.deep.equal([]);
  });

  it('is not asked about what would have ended by itself', () => {
    asked();
    redis.keys.delete(KEY);
    nowMs += 31_000;
    redis.keys.set(KEY, VALUE, 60_000);
    answers(LATER_MS);
    expect(found).to.deep.equal([]);
  });
});
