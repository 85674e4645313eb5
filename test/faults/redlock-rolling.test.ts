import { expect } from 'chai';
import { inFigures } from '../history/history.js';
import { ClientProcess } from '../support/client-process.js';
import { ClientRecord } from '../support/client-record.js';
import { ServerCluster } from '../support/server-cluster.js';

const NAMES = ['a', 'b', 'c', 'd'];
const LANES = 3;
const HOLD_MS = 20;
const TTL_MS = 10_000;

describe('faults: servers replaced one after another', function () {
  this.timeout(90_000);

  it('B7: no lease is lost, tokens rise, and every request is answered', async () => {
    const clients = await Promise.all(NAMES.slice(0, 3).map(() => ClientProcess.idle()));
    const [holder = clients[0] as ClientProcess, ...workers] = clients;
    const cluster = await ServerCluster.start(3);
    const record = new ClientRecord();
    try {
      const { addresses } = cluster;
      const around = (from: number): readonly string[] => [...addresses.slice(from), ...addresses.slice(0, from)];
      await Promise.all(clients.map((client, index) => client.connect(around(index), `client-${index}`)));
      for (const [index, client] of clients.entries()) record.watch(client, `client-${index}`);
      const long = { kind: 'acquire', name: 'long', ttlMs: TTL_MS, waitMs: 0 } as const;
      const { token } = await holder.do(long, 'granted');
      for (const worker of workers)
        worker.tell({ kind: 'work', names: NAMES, lanes: LANES, ttlMs: TTL_MS, holdMs: HOLD_MS });
      const oldPids = cluster.servers.map(({ pid }) => pid);
      for (const number of [1, 2, 3]) {
        expect(await cluster.server(number).kill('SIGTERM')).to.include({ code: 0 });
        await cluster.succeed(number);
        expect(oldPids).to.not.include(cluster.server(number).pid);
      }
      const worked = await Promise.all(workers.map((worker) => worker.do({ kind: 'rest' }, 'worked')));
      expect(worked.flatMap(({ failures }) => failures)).to.deep.equal([]);
      const shifts = worked.flatMap((each) => each.shifts);
      for (const each of NAMES) expect(shifts.filter(({ name }) => name === each).length).to.be.greaterThan(20);
      for (const client of clients) expect(client.states, 'nobody is without a server').to.not.include('reconnecting');
      expect(await holder.do({ kind: 'look', name: 'long' }, 'view')).to.include({ mayWrite: true, state: 'held' });
      expect(holder.last('granted')?.token).to.equal(token);
      expect((await holder.do({ kind: 'release', name: 'long' }, 'released')).outcome).to.equal('released');
      const { figures, violations } = record.judged;
      expect(violations).to.deep.equal([]);
      process.stdout.write(`      ${inFigures(figures)}\n`);
    } finally {
      await Promise.all([cluster.stop(), ...clients.map((client) => client.kill())]);
    }
  });
});
