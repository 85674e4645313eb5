import { expect } from 'chai';
import { nodeCountProblem, quorum, standing } from '../../server/src/store/redlock/coordinator/quorum.js';

describe('a quorum', () => {
  it('is more than half', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(sizes.map(quorum)).to.deep.equal([1, 2, 2, 3, 3, 4, 4, 5, 5]);
    for (const n of sizes) {
      expect(2 * quorum(n), `two quorums of ${n} share a node`).to.be.greaterThan(n);
      expect(2 * (quorum(n) - 1), `no more than needed of ${n}`).to.be.at.most(n);
    }
  });

  it('decides a vote as soon as nothing can change it, and not before', () => {
    for (let n = 1; n <= 9; n += 1) {
      for (let ok = 0; ok <= n; ok += 1) {
        for (let against = 0; ok + against <= n; against += 1) {
          const worst = ok >= quorum(n);
          const best = n - against >= quorum(n);
          const expected = worst ? 'won' : best ? 'open' : 'lost';
          expect(standing(ok, against, n), `${ok} for, ${against} against, of ${n}`).to.equal(expected);
          if (ok + against === n) expect(standing(ok, against, n)).not.to.equal('open');
        }
      }
    }
  });

  it('of an even number is out of reach once half of them refuse', () => {
    expect(standing(0, 2, 4)).to.equal('lost');
    expect(standing(2, 1, 4)).to.equal('open');
    expect(standing(2, 2, 4)).to.equal('lost');
    expect(standing(0, 3, 6)).to.equal('lost');
  });

  it('exists for one node and for three to nine', () => {
    for (const n of [1, 3, 4, 5, 6, 7, 8, 9]) expect(nodeCountProblem(n), `${n} nodes`).to.equal(undefined);
    for (const n of [0, -1, 1.5, Number.NaN]) expect(nodeCountProblem(n)).to.contain('at least one');
    expect(nodeCountProblem(2)).to.contain('2 nodes');
    expect(nodeCountProblem(10)).to.contain('at most 9');
  });
});
