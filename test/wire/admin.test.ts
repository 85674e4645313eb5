import type { ServiceError } from '@grpc/grpc-js';
import { credentials, status } from '@grpc/grpc-js';
import {
  AdminServiceClient,
  LeaseInfo_SessionState,
  type ListLeasesRequest,
  type ListLeasesResponse,
  Status,
} from '@holdfast/protocol';
import { expect } from 'chai';
import type { ListedLease } from '../../server/src/core/session-api.js';
import { LEASE_ID, ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { detailsOf } from './support/wire-client.js';

function lease(namespace: string, name: string, differs: Partial<ListedLease> = {}): ListedLease {
  return {
    namespace,
    name,
    leaseId: LEASE_ID,
    token: 2n ** 63n,
    clientName: 'c',
    sessionId: '01923456-789a-7abc-8def-00000000cafe' as ListedLease['sessionId'],
    sessionState: 'attached',
    grantedAtWallMs: 1_790_000_000_123.75,
    ttlMs: 30_000,
    remainingMs: 12_345.6,
    waiters: 3,
    ...differs,
  };
}

describe('ListLeases', () => {
  let core: ScriptedCore;
  let served: Served;
  let client: AdminServiceClient;

  beforeEach(async () => {
    core = new ScriptedCore();
    served = await serve(core);
    client = new AdminServiceClient(served.target, credentials.createInsecure());
  });

  afterEach(async () => {
    client.close();
    await served.stop();
    expect(served.defects.length).to.equal(0);
  });

  function list(differs: Partial<ListLeasesRequest> = {}): Promise<ListLeasesResponse> {
    const request = { namespace: '', namePrefix: '', pageSize: 0, pageToken: '', ...differs };
    return new Promise((resolve, reject) => {
      client.listLeases(request, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
  }

  async function refusalOf(differs: Partial<ListLeasesRequest>): Promise<Record<string, string | undefined>> {
    const error = await list(differs).then(
      () => expect.fail('not refused'),
      (reason: ServiceError) => reason,
    );
    const [bytes] = error.metadata.get('grpc-status-details-bin');
    const { infos } = detailsOf(Status.decode(bytes as Buffer));
    expect(infos).to.have.length(1);
    return { ...infos[0]?.metadata, reason: infos[0]?.reason, code: status[error.code] };
  }

  it('tells everything of a lease', async () => {
    core.leases = [lease('default', 'orders/42')];
    const { leases, nextPageToken } = await list();
    expect(nextPageToken).to.equal('');
    expect(leases).to.deep.equal([
      {
        namespace: 'default',
        name: 'orders/42',
        leaseId: LEASE_ID,
        token: 2n ** 63n,
        clientName: 'c',
        sessionId: '01923456-789a-7abc-8def-00000000cafe',
        sessionState: LeaseInfo_SessionState.SESSION_STATE_ATTACHED,
        grantedAt: { seconds: 1_790_000_000n, nanos: 123_000_000 },
        ttlMs: 30_000,
        remainingMs: 12_345,
        waiters: 3,
      },
    ]);
  });

  it('goes through all of them page by page, each once and in order', async () => {
    const names = Array.from({ length: 25 }, (_, at) => `n/${String(at).padStart(2, '0')}`);
    core.leases = ['a', 'b'].flatMap((namespace) => names.map((name) => lease(namespace, name)));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await list({ pageSize: 10, pageToken });
      expect(page.leases.length).to.be.within(1, 10);
      seen.push(...page.leases.map(({ namespace, name }) => `${namespace} ${name}`));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).to.deep.equal(core.leases.map(({ namespace, name }) => `${namespace} ${name}`));
  });

  it('gives 100 unless told otherwise, and narrows by namespace and prefix', async () => {
    core.leases = Array.from({ length: 150 }, (_, at) => lease('a', `n/${String(at).padStart(3, '0')}`));
    expect((await list()).leases).to.have.length(100);
    expect((await list({ pageSize: 1_000 })).leases).to.have.length(150);
    expect((await list({ namePrefix: 'n/00' })).leases).to.have.length(10);
    expect((await list({ namespace: 'b' })).leases).to.have.length(0);
  });

  it('refuses a page that is too long, or a token it did not give', async () => {
    const ends = { code: 'INVALID_ARGUMENT', reason: 'FIELD_INVALID' };
    expect(await refusalOf({ pageSize: 1_001 })).to.include({ ...ends, field: 'page_size', value: '1001' });
    expect(await refusalOf({ pageToken: 'made up' })).to.include({ ...ends, field: 'page_token' });
  });
});
