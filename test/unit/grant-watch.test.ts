import { expect } from 'chai';
import type { LockValue, NodeId } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { GrantWatch } from '../simulation/grant-watch.js';

const KEY = 'holdfast:default:lock:r1';
const VALUE = 'a1b2:17' as LockValue;
const ENTRIES = [{ key: KEY, value: VALUE }];

describe('what a server that is watched says to have granted', () => {
  let nowMs: number;
  let found: string[];
  let watch: GrantWatch;
  let doubted: NodeId[];

  beforeEach(() => {
    nowMs = 0;
    found = [];
    doubted = [];
    watch = new GrantWatch({
      ...{ settings: { clockRateDrift: 0.01, clockMarginMs: 5 }, quorum: 2, nowMs: () => nowMs },
      nodesUs: () => 0,
      mayVote: (node) => !doubted.includes(node),
      violated: (guarantee) => void found.push(guarantee),
    });
    watch.sent(ENTRIES);
  });

  function hears(node: NodeId, kind: 'ok' | 'ahead', take: () => void = () => undefined): void {
    const standing = { nowUs: 0, clockUs: 0, admitted: true, configuration: undefined };
    const vote = kind === 'ok' ? { kind } : { kind: 'ahead' as const };
    watch.hears(node, ENTRIES, { kind: 'votes', standing, votes: [vote] }, take);
  }

  it('has the votes of a quorum, the one that is being heard included', () => {
    hears('redis-1', 'ok', () => hears('redis-3', 'ahead'));
    hears('redis-2', 'ok', () => watch.granted(KEY, VALUE, 1_000));
    expect(found).to.deep.equal([]);
  });

  it('has no vote of a node that the server doubts, nor two of one', () => {
    hears('redis-1', 'ok');
    hears('redis-1', 'ok');
    hears('redis-2', 'ok', () => {
      doubted = ['redis-2'];
      watch.granted(KEY, VALUE, 1_000);
    });
    expect(found).to.deep.equal(['I10']);
  });

  it('has no token that no clock explains', () => {
    watch.sent([{ key: KEY, value: 'a1b2:1799999999' as LockValue }]);
    expect(found).to.deep.equal([]);
    watch.sent([{ key: KEY, value: 'a1b2:1800000000' as LockValue }]);
    expect(found).to.deep.equal(['S2']);
  });

  it('is told before it is over', () => {
    hears('redis-1', 'ok');
    nowMs = 984;
    hears('redis-2', 'ok', () => watch.granted(KEY, VALUE, 1_000));
    expect(found).to.deep.equal([]);
    nowMs = 0;
    watch.sent(ENTRIES);
    hears('redis-1', 'ok');
    nowMs = 985;
    hears('redis-2', 'ok', () => watch.granted(KEY, VALUE, 1_000));
    expect(found).to.deep.equal(['S3']);
  });
});
