import { expect } from 'chai';
import type { LockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { StandWatch } from '../simulation/stand-watch.js';

const KEY = 'holdfast:default:lock:r1';
const VALUE = 'a1b2:17' as LockValue;

describe('how long leases are relied on and stand', () => {
  let nowMs: number;
  let found: string[];
  let watch: StandWatch;

  beforeEach(() => {
    nowMs = 0;
    found = [];
    watch = new StandWatch({ quorum: 2, nowMs: () => nowMs, violated: (guarantee) => void found.push(guarantee) });
  });

  const believes = (forMs: number): void => watch.believed('r1', { token: 17n, remainingMs: () => forMs }, forMs);

  it('finds a belief that outlasts all but a minority of nodes', () => {
    watch.stands('redis-1', KEY, VALUE, 500);
    watch.stands('redis-2', KEY, VALUE, 400);
    watch.stands('redis-3', KEY, VALUE, 300);
    believes(400);
    expect(found).to.deep.equal([]);
    believes(401);
    expect(found).to.deep.equal(['S3']);
  });

  it('counts what an extension has put off', () => {
    watch.stands('redis-1', KEY, VALUE, 500);
    watch.stands('redis-2', KEY, VALUE, 400);
    nowMs = 100;
    watch.stands('redis-2', KEY, VALUE, 900);
    watch.stands('redis-1', KEY, VALUE, 350);
    believes(400);
    expect(found).to.deep.equal([]);
    watch.stands('redis-3', KEY, VALUE, 850);
    believes(850);
    expect(found).to.deep.equal([]);
  });

  it('finds a belief in what no node was asked for', () => {
    watch.stands('redis-1', KEY, 'a1b2:16' as LockValue, 500);
    watch.stands('redis-2', KEY, 'a1b2:16' as LockValue, 500);
    believes(1);
    expect(found).to.deep.equal(['I10', 'S3']);
    believes(0);
    expect(found).to.have.length(2);
  });

  it('finds a grant without the votes of a quorum, also where nobody can tell how long it lasts', () => {
    const grant = { token: 17n, remainingMs: () => 1 };
    const other = { token: 17n, remainingMs: () => 1 };
    watch.stands('redis-1', KEY, VALUE, 500);
    watch.believed('r1', grant, undefined);
    watch.believed('r1', grant, undefined);
    expect(found).to.deep.equal(['I10']);
    watch.stands('redis-2', KEY, VALUE, 0);
    watch.believed('r1', other, undefined);
    expect(found).to.have.length(1);
  });
});
