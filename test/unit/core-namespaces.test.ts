import { expect } from 'chai';
import type { Failure } from '../../server/src/core/failure.js';
import { CoreRig, hash } from '../support/core-rig.js';

describe('core: namespaces', () => {
  it('opens no session in a namespace that the store does not have', async () => {
    const rig = new CoreRig();
    rig.store.onlyNamespace = 'default';
    const open = (namespace: string): Failure | 'open' => {
      let outcome: Failure | 'open' = 'open';
      const end = (failure?: Failure): void => {
        if (failure !== undefined) outcome = failure;
      };
      const sessionId = `01890000-0000-7000-8000-00000000000${namespace.length}`;
      const label = { clientName: 'a', namespace, resume: false, protocolVersion: 1 };
      const frame = { kind: 'open' as const, id: 1, sessionId, secretHash: hash('s'), ...label };
      rig.core.connect({ send: () => undefined, end }).receive([frame], rig.clock.nowMs());
      return outcome;
    };
    expect([open(''), open('default')]).to.deep.equal(['open', 'open']);
    expect(open('team')).to.deep.equal({
      reason: 'FIELD_INVALID',
      message: 'open.namespace is "team"; the store of this server has only the namespace "default"',
      field: 'open.namespace',
      value: '"team"',
      limit: '"default"',
    });
    expect(rig.core.openStreams()).to.equal(2);
    rig.store.onlyNamespace = undefined;
    expect(open('team')).to.equal('open');
  });
});
