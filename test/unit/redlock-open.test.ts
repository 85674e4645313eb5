import { expect } from 'chai';
import { openRedlockStore } from '../../server/src/store/redlock/open-redlock-store.js';

describe('a redlock store', () => {
  it('is not opened over a number of nodes that is of no use', () => {
    const options = { nodes: [{}, {}] } as unknown as Parameters<typeof openRedlockStore>[0];
    expect(() => openRedlockStore(options)).to.throw(RangeError, 'must not name 2 nodes');
  });
});
