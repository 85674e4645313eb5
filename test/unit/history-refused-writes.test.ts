import { expect } from 'chai';
import { History } from '../history/history.js';

describe('the history checker, told of writes as they are made', () => {
  it('finds a write that is refused though its writer holds the resource, and takes no offence after that', () => {
    const scene = { nowMs: 0, note: () => undefined };
    const history = new History(scene);
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    const grant = (token: bigint) => ({ token, remainingMs: () => 100 - scene.nowMs });
    history.granted(history.invoked(a, 'r', 0), grant(1n));
    history.granted(history.invoked(b, 'r', 0), grant(2n));
    history.log.write({ resource: 'r', token: 2n, writer: 'b' });
    history.found.length = 0;
    history.log.write({ resource: 'r', token: 1n, writer: 'a' });
    expect(history.violations[0]).to.contain('r refused a write with 1 by a, which holds it, after one with 2');
    scene.nowMs = 100;
    history.log.write({ resource: 'r', token: 1n, writer: 'a' });
    expect(history.violations).to.have.length(1);
  });

  it('takes no offence where the two may meet, as documented', () => {
    const history = new History({ nowMs: 0, note: () => undefined }, (resource) => resource === 'r');
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    history.granted(history.invoked(a, 'r', 0), { token: 1n, remainingMs: () => 100 });
    history.granted(history.invoked(b, 'r', 0), { token: 2n, remainingMs: () => 100 });
    history.log.write({ resource: 'r', token: 2n, writer: 'b' });
    history.log.write({ resource: 'r', token: 1n, writer: 'a' });
    expect(history.violations).to.deep.equal([]);
    expect([history.excused, history.log.refused]).to.deep.equal([1, 1]);
  });
});
