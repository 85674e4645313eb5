import { expect } from 'chai';
import { lockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { Stragglers } from '../../server/src/store/redlock/coordinator/stragglers.js';
import { hashOf } from '../contract/store-bids.js';

const NODES = 5;

describe('adoptions that some node has not confirmed', () => {
  const [old, value] = [lockValue(hashOf('old'), 1), lockValue(hashOf('new'), 1)];

  it('are remembered until every node has', () => {
    const stragglers = new Stragglers();
    stragglers.expect('a', value, [old], NODES);
    for (let node = 0; node < NODES - 1; node += 1) stragglers.confirmed('a', value, node);
    expect(stragglers.olderThan('a', value)).to.deep.equal([old]);
    stragglers.confirmed('a', value, NODES - 1);
    expect(stragglers.olderThan('a', value)).to.equal(undefined);
  });

  it('have a bound, within which the newest are kept: leases that lapsed are never confirmed', () => {
    const stragglers = new Stragglers();
    for (let index = 0; index <= 100_000; index += 1) stragglers.expect(`lapsed ${index}`, value, [old], NODES);
    expect(stragglers.olderThan('lapsed 0', value)).to.equal(undefined);
    expect(stragglers.olderThan('lapsed 100000', value)).to.deep.equal([old]);
  });
});
