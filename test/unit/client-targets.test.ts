import { connect, InvalidArgumentError } from '@holdfast/client';
import { expect } from 'chai';
import { checkTargets } from '../../client/src/targets.js';
import { rejectionOf } from './client-harness.js';

const ALLOWED = [
  'localhost:7420',
  'dns:7420',
  '[::1]:7420',
  'dns:localhost:7420',
  'dns:///locks.example:7420',
  'dns://10.0.0.1/locks.example:7420',
  'ipv4:127.0.0.1:7420',
  'ipv6:[::1]:7420',
  'unix:/run/holdfast.sock',
  'unix:///run/holdfast.sock',
  'unix:holdfast.sock',
];

const REFUSED = [
  'localhost',
  '',
  ' ',
  'localhost:',
  'localhost:0',
  'localhost:99999',
  'localhost:7420 ',
  'a:1,b:2',
  'http://localhost:7420',
  'https://localhost',
  'localhost:7420/path',
  '::1:7420',
  '[localhost]:7420',
  'dns:///localhost',
  'ipv4:127.0.0.1',
  'ipv4:localhost:7420',
  'ipv6:::1',
  'unix:',
  'unix://run/holdfast.sock',
  7420,
  null,
  {},
];

describe('the targets of a client', () => {
  for (const target of ALLOWED) {
    it(`may be ${target}`, () => expect(checkTargets(target)).to.deep.equal([target]));
  }

  for (const target of REFUSED) {
    it(`may not be ${JSON.stringify(target)}, and connect says so at once`, async () => {
      const error = await rejectionOf(connect(['localhost:7420', target as string]));
      expect(error).to.be.instanceOf(InvalidArgumentError);
      expect(error).to.include({ field: 'targets', value: shown(target) });
      expect(error.message).to.include(`targets is ${shown(target)}; it must be host:port such as localhost:7420`);
    });
  }

  it('are at least one', () => {
    expect(() => checkTargets([])).to.throw(InvalidArgumentError, 'targets is 0; it must be 1 to 64 addresses');
  });
});

function shown(target: unknown): string {
  return target === null || typeof target !== 'object' ? JSON.stringify(target) : '{}';
}
