import { expect } from 'chai';
import type { Hash } from '../../server/src/core/names.js';
import { lockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { ProposalWatch } from '../simulation/proposal-watch.js';

describe('the watch over what a server proposes', () => {
  const found: string[] = [];
  let watch: ProposalWatch;
  beforeEach(() => {
    found.length = 0;
    watch = new ProposalWatch((guarantee, what) => void found.push(`${guarantee}: ${what}`));
  });

  function proposes(node: string, key: string, hash: string, token: number): void {
    watch.sent(node, [{ key, value: lockValue(hash as Hash, token) }]);
  }

  it('finds a token that is proposed for one lock twice, whoever it is for (S2)', () => {
    proposes('redis-1', 'a', '00', 5);
    proposes('redis-1', 'a', '01', 5);
    expect(found).to.deep.equal(['S2: token 5 is proposed to redis-1 for a second time']);
  });

  it('takes no offence at one bid to several nodes, nor at one token for several locks', () => {
    proposes('redis-1', 'a', '00', 5);
    proposes('redis-2', 'a', '00', 5);
    proposes('redis-1', 'b', '01', 5);
    proposes('redis-1', 'a', '00', 6);
    expect(found).to.deep.equal([]);
  });
});
