import { expect } from 'chai';
import type {
  BatchReply,
  BatchVerb,
  BatchVerbs,
  LockValue,
  NodeBatch,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { NodeWatch } from '../simulation/node-watch.js';
import { ModelRedis } from '../support/redlock/model-redis.js';

const KEY = 'holdfast:default:lock:r1';

/** A node whose scripts answer one thing and do another. */
describe('a node that is watched', () => {
  let redis: ModelRedis;
  let watch: NodeWatch;
  let found: string[];
  let value: LockValue;

  beforeEach(() => {
    found = [];
    redis = new ModelRedis({ nowMs: () => 10_000, after: () => ({ cancel: () => undefined }) }, 'redis-1');
    value = `a1b2:${redis.clockUs}` as LockValue;
    watch = new NodeWatch(redis, {
      ...{ nowMs: () => 10_000, windowMs: 200, leases: { longestMs: 0 } },
      ...{ stands: () => undefined, voted: () => undefined, repaired: () => undefined, unadmitted: () => undefined },
      violated: (guarantee, what) => void found.push(`${guarantee} ${what}`),
    });
  });

  function play<V extends BatchVerb>(
    batch: NodeBatch<V>,
    votes: readonly BatchVerbs[V]['vote'][],
    act?: () => void,
  ): void {
    const standing = { nowUs: 0, clockUs: 0, admitted: true, configuration: undefined };
    watch.batch(batch, (): BatchReply<V> => {
      act?.();
      return { kind: 'votes', standing, votes };
    });
  }

  const acquire = (): NodeBatch<'acquire'> => ({
    verb: 'acquire',
    entries: [{ key: KEY, value, expiryMs: 500, earlierHashes: [], waitingSinceUs: 0 }],
  });

  const release = (...values: LockValue[]): NodeBatch<'release'> => ({
    verb: 'release',
    entries: values.map((one) => ({ key: KEY, values: [one], tombstone: 0, waitingSinceUs: 0 })),
  });

  const sets = (): void => redis.keys.set(KEY, value, 500);

  it('is found to have told somebody that he has a lock which he has not', () => {
    play(acquire(), [{ kind: 'ok' }], sets);
    expect(found).to.deep.equal([]);
    redis.keys.delete(KEY);
    value = `c3d4:${redis.clockUs + 1}` as LockValue;
    play(acquire(), [{ kind: 'ok' }]);
    expect(found).to.deep.equal([`S1 redis-1 told ${value} that it stands, and has undefined`]);
  });

  it('is found to keep what it says is given back, and to lose what nobody has given back', () => {
    sets();
    play(release(value), [{ kind: 'released', wanted: false }]);
    expect(found[0]).to.match(/^S4 redis-1 answered that .* is released, and still has/);
    play(release('e5f6:1' as LockValue), [{ kind: 'gone' }], () => redis.keys.delete(KEY));
    expect(found[1]).to.match(/^S1 redis-1 deleted .* where e5f6:1 was given back/);
  });

  it('is judged by all that is given back for one lock at once', () => {
    sets();
    const [released, gone] = [{ kind: 'released', wanted: false }, { kind: 'gone' }] as const;
    play(release('e5f6:1' as LockValue, value), [gone, released], () => redis.keys.delete(KEY));
    expect(found).to.deep.equal([]);
    sets();
    play(release('e5f6:1' as LockValue, value), [gone, released]);
    expect(found).to.not.deep.equal([]);
  });

  it('is found to change a lock in a batch that it has refused as a whole', () => {
    const standing = { nowUs: 0, clockUs: 0, admitted: false, configuration: undefined };
    watch.batch(acquire(), () => {
      sets();
      return { kind: 'barred', standing, why: 'not_admitted' };
    });
    expect(found).to.deep.equal(['S1 redis-1 changed a lock, though it refused to acquire']);
  });
});
