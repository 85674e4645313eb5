import { type AcquireOptions, connect, InvalidArgumentError } from '@holdfast/client';
import { expect } from 'chai';
import { ClientHarness, rejectionOf } from './client-harness.js';

const nothing = (): void => undefined;
/** As JavaScript passes it, unchecked. */
const untyped = (value: unknown): AcquireOptions => value as AcquireOptions;

describe('options', () => {
  let harness: ClientHarness;
  beforeEach(async () => {
    harness = await ClientHarness.connected();
  });

  const calls: Readonly<Record<string, (options: unknown) => Promise<unknown>>> = {
    connect: (options) => connect('localhost:7420', options as { name: string }),
    acquire: (options) => harness.client.acquire('a', untyped(options)),
    tryAcquire: (options) => harness.client.tryAcquire('a', untyped(options)),
    using: (options) => harness.client.using('a', untyped(options), nothing),
  };

  for (const [call, make] of Object.entries(calls)) {
    it(`of ${call} are refused when there is no such option`, async () => {
      const error = await rejectionOf(make({ zzz: 5 }));
      expect(error).to.be.instanceOf(InvalidArgumentError).and.include({ field: 'zzz', value: '5' });
      expect(error.message).to.match(new RegExp(`^${call} has no option "zzz"; it has [a-zA-Z, ]+$`));
    });

    for (const [value, shown] of [
      [5000, '5000'],
      ['x', '"x"'],
      [null, 'null'],
      [[], '[]'],
    ] as const) {
      it(`of ${call} are no ${shown}`, async () => {
        const error = await rejectionOf(make(value));
        expect(error).to.be.instanceOf(InvalidArgumentError).and.include({ field: 'options', value: shown });
        expect(error.message).to.include(`options is ${shown}; it must be an object such as { `);
      });
    }
  }

  for (const [call, key, meant] of [
    ['acquire', 'ttl', 'ttlMs'],
    ['acquire', 'wait', 'waitMs'],
    ['acquire', 'TTLMS', 'ttlMs'],
    ['using', 'waitMS', 'waitMs'],
    ['tryAcquire', 'autoextend', 'autoExtend'],
    ['connect', 'conectTimeoutMs', 'connectTimeoutMs'],
    ['connect', 'nmae', 'name'],
  ] as const) {
    it(`of ${call} are proposed for ${key}`, async () => {
      const error = await rejectionOf(calls[call]?.({ [key]: 3 }) ?? Promise.resolve());
      expect(error.message).to.include(`${call} has no option "${key}" (did you mean ${meant}?); it has `);
    });
  }

  it('are not sent to the server when they are wrong', async () => {
    await rejectionOf(harness.client.acquire('a', untyped({ ttl: 5 })));
    expect(harness.stream.sent('acquire')).to.deep.equal([]);
  });

  it('come before the function to run', async () => {
    const error = await rejectionOf(harness.client.using('a', {}, untyped(5) as () => void));
    expect(error.message).to.equal('fn is 5; it must be a function to run under the lease');
  });

  it('come after a name, which is a string', async () => {
    const error = await rejectionOf(harness.client.acquire(['a'] as unknown as string));
    expect(error.message).to.equal("name is [ 'a' ]; it must be a string of 1 to 256 bytes");
  });

  it('tell the name of a client from that of a resource', async () => {
    const ofClient = await rejectionOf(connect('localhost:7420', { name: '' }));
    expect(ofClient).to.include({ field: 'name', value: '""' });
    expect(ofClient.message).to.equal('the client name is ""; it must be 1 to 256 bytes long; it has 0');
    const ofResource = await rejectionOf(harness.client.acquire(''));
    expect(ofResource.message).to.equal('name is ""; it must be 1 to 256 bytes long; it has 0');
  });
});
