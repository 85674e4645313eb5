import type { ServiceError } from '@grpc/grpc-js';
import { Client, credentials, status } from '@grpc/grpc-js';
import { AdminServiceClient, type ListNodesResponse, NodeInfo_State, Status } from '@holdfast/protocol';
import { expect } from 'chai';
import { nodeReport, ScriptedNodes } from '../support/scripted-nodes.js';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { detailsOf } from './support/wire-client.js';

type Call<Response> = (done: (error: ServiceError | null, response: Response) => void) => unknown;

function answered<Response>(call: Call<Response>): Promise<Response> {
  return new Promise((resolve, reject) =>
    call((error, response) => (error === null ? resolve(response) : reject(error))),
  );
}

/** What the status of a refused call says. */
async function refusal<Response>(call: Call<Response>): Promise<Readonly<Record<string, string | undefined>>> {
  const error = await answered(call).then(
    () => expect.fail('not refused'),
    (reason: ServiceError) => reason,
  );
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const { infos } = detailsOf(Status.decode(bytes as Buffer));
  expect(infos).to.have.length(1);
  return { ...infos[0]?.metadata, reason: infos[0]?.reason, code: status[error.code], message: error.details };
}

describe('AdminService, of nodes,', () => {
  let nodes: ScriptedNodes | undefined;
  let served: Served;
  let client: AdminServiceClient;

  async function start(scripted: ScriptedNodes | undefined): Promise<void> {
    nodes = scripted;
    served = await serve(new ScriptedCore(), {}, scripted);
    client = new AdminServiceClient(served.target, credentials.createInsecure());
  }

  afterEach(async () => {
    client.close();
    await served.stop();
    expect(served.defects.length).to.equal(0);
  });

  it('tells everything, and leaves out what nobody knows', async () => {
    await start(
      new ScriptedNodes(
        [
          nodeReport(),
          nodeReport({ id: 'redis-2', state: 'quarantined', detail: 'was restarted', quarantineLeftMs: 41_000.5 }),
          nodeReport({
            id: 'redis-3',
            state: 'unavailable',
            detail: 'refused the connection',
            version: '',
            clockOffsetMs: undefined,
            roundTripMs: undefined,
          }),
        ],
        2,
      ),
    );
    const { nodes: found, quorum } = await answered<ListNodesResponse>((done) => client.listNodes({}, done));
    expect(quorum).to.equal(2);
    expect(found).to.deep.equal([
      {
        nodeId: 'redis-1',
        address: 'redis://10.0.0.1:6379',
        state: NodeInfo_State.STATE_ADMITTED,
        detail: '',
        quarantineLeftMs: undefined,
        version: 'redis 7.0.15',
        clockOffsetMs: 0.125,
        roundTripMs: 0.5,
      },
      {
        nodeId: 'redis-2',
        address: 'redis://10.0.0.1:6379',
        state: NodeInfo_State.STATE_QUARANTINED,
        detail: 'was restarted',
        quarantineLeftMs: 41_001,
        version: 'redis 7.0.15',
        clockOffsetMs: 0.125,
        roundTripMs: 0.5,
      },
      {
        nodeId: 'redis-3',
        address: 'redis://10.0.0.1:6379',
        state: NodeInfo_State.STATE_UNAVAILABLE,
        detail: 'refused the connection',
        quarantineLeftMs: undefined,
        version: '',
        clockOffsetMs: undefined,
        roundTripMs: undefined,
      },
    ]);
  });

  describe('gives an order:', () => {
    const calls: readonly (readonly [string, Call<{ readonly message: string }>])[] = [
      ['declareNew', (done) => client.initCluster({}, done)],
      ['reset redis-1', (done) => client.resetNode({ nodeId: 'redis-1' }, done)],
      [
        'forget default a/b false',
        (done) => client.forgetResource({ namespace: '', name: 'a/b', always: false }, done),
      ],
      ['forget x a/b true', (done) => client.forgetResource({ namespace: 'x', name: 'a/b', always: true }, done)],
    ];
    for (const [order, call] of calls) {
      it(`${order}, and says what came of it`, async () => {
        const scripted = new ScriptedNodes([nodeReport()], 1);
        await start(scripted);
        expect(await answered(call)).to.deep.equal({ message: 'it was done' });
        scripted.outcome = { kind: 'refused', message: 'redis-1 has keys' };
        expect(await refusal(call)).to.deep.equal({
          code: 'FAILED_PRECONDITION',
          reason: 'ORDER_REFUSED',
          message: 'redis-1 has keys',
        });
        expect(scripted.orders).to.deep.equal([order, order]);
      });

      it(`${order}, and is told that there are none`, async () => {
        await start(undefined);
        expect(await refusal(call)).to.include({ code: 'UNIMPLEMENTED', reason: 'STORE_WITHOUT_NODES' });
        expect(await refusal<ListNodesResponse>((done) => client.listNodes({}, done))).to.include({
          reason: 'STORE_WITHOUT_NODES',
        });
      });
    }
  });

  it('refuses what cannot be meant, and orders nothing', async () => {
    await start(new ScriptedNodes([nodeReport(), nodeReport({ id: 'redis-2' })], 2));
    const ends = { code: 'INVALID_ARGUMENT', reason: 'FIELD_INVALID' };
    expect(await refusal((done) => client.resetNode({ nodeId: 'redis-9' }, done))).to.include({
      ...ends,
      field: 'node_id',
      value: '"redis-9"',
      limit: 'redis-1, redis-2',
    });
    const forget = (namespace: string, name: string): Promise<Readonly<Record<string, string | undefined>>> =>
      refusal((done) => client.forgetResource({ namespace, name, always: true }, done));
    expect(await forget('', '')).to.include({ ...ends, field: 'name' });
    expect(await forget('', 'x'.repeat(257))).to.include({ ...ends, field: 'name' });
    expect(await forget('', 'a\u0000b')).to.include({ ...ends, field: 'name' });
    expect(await forget('a\u0000b', 'x')).to.include({ ...ends, field: 'namespace' });
    expect(nodes?.orders).to.deep.equal([]);
  });

  it('does not take one name for another when its bytes are no text', async () => {
    await start(new ScriptedNodes([nodeReport()], 1));
    const raw = new Client(served.target, credentials.createInsecure());
    const bytes = Buffer.from([0x12, 0x02, 0xc3, 0x28]);
    const same = (message: Buffer): Buffer => message;
    const call: Call<Buffer | undefined> = (done) =>
      raw.makeUnaryRequest('/holdfast.v1.AdminService/ForgetResource', same, same, bytes, done);
    expect(await refusal(call)).to.include({ code: 'INVALID_ARGUMENT', reason: 'MESSAGE_UNDECODABLE' });
    raw.close();
    expect(nodes?.orders).to.deep.equal([]);
  });
});
