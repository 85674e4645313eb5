import { once } from 'node:events';
import type { Client, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { anyClient } from './support/any-client.js';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';

interface Health {
  readonly status: string;
}

type HealthClient = Client & {
  check(request: { readonly service: string }, callback: (error: ServiceError | null, health?: Health) => void): void;
  watch(request: { readonly service: string }): ClientReadableStream<Health>;
};

const LEASE_SERVICE = 'holdfast.v1.LeaseService';

describe('Health', () => {
  let served: Served;
  let client: HealthClient;

  beforeEach(async () => {
    served = await serve(new ScriptedCore());
    const made: unknown = anyClient('third_party/grpc/health/v1/health.proto', 'grpc.health.v1.Health', served.target);
    client = made as HealthClient;
  });

  afterEach(async () => {
    client.close();
    await served.stop();
  });

  function check(service: string): Promise<string> {
    return new Promise((resolve, reject) => {
      client.check({ service }, (error, health) => (error === null ? resolve(health?.status ?? '') : reject(error)));
    });
  }

  async function next(watch: ClientReadableStream<Health>): Promise<string> {
    const [health] = (await once(watch, 'data')) as [Health];
    return health.status;
  }

  it('is SERVING, as a whole and for the lease service, and unknown for others', async () => {
    expect(await check('')).to.equal('SERVING');
    expect(await check(LEASE_SERVICE)).to.equal('SERVING');
    const unknown = await check('nobody.Knows').catch((error: ServiceError) => error.code);
    expect(unknown).to.equal(5);
  });

  it('follows the store, for those who watch, too', async () => {
    const watch = client.watch({ service: LEASE_SERVICE });
    expect(await next(watch)).to.equal('SERVING');
    served.rpc.setStoreAvailable(false);
    expect(await next(watch)).to.equal('NOT_SERVING');
    expect(await check('')).to.equal('NOT_SERVING');
    served.rpc.setStoreAvailable(true);
    expect(await next(watch)).to.equal('SERVING');
    watch.on('error', () => undefined);
    watch.cancel();
  });

  it('is NOT_SERVING from the moment the server drains, available store or not', async () => {
    const session = await served.client().openSession();
    const watch = client.watch({ service: '' });
    watch.on('error', () => undefined);
    expect(await next(watch)).to.equal('SERVING');
    const stopped = served.rpc.shutdown(5_000);
    expect(await next(watch)).to.equal('NOT_SERVING');
    served.rpc.setStoreAvailable(true);
    expect(await check('')).to.equal('NOT_SERVING');
    session.call.cancel();
    await session.ended();
    await stopped;
  });

  it('answers SERVICE_UNKNOWN to who watches a service it does not have', async () => {
    const watch = client.watch({ service: 'nobody.Knows' });
    watch.on('error', () => undefined);
    expect(await next(watch)).to.equal('SERVICE_UNKNOWN');
    watch.cancel();
  });
});
