import { type Client, connect, type Lease } from '@holdfast/client';
import { expect } from 'chai';
import { HistoryRecord } from '../history/record.js';
import { eventually } from '../support/deadline.js';
import { listed } from '../support/listed.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const WAITERS = 1_000;

describe('integration: fairness', () => {
  let server: ServerProcess;
  let client: Client;

  before(async function () {
    this.timeout(30_000);
    server = await startServer();
    client = await connect(server.address, { name: 'crowd' });
  });

  after(async function () {
    this.timeout(30_000);
    await client.close();
    await server.stop();
  });

  it('J12: a thousand waiters, some of whom give up, are served first in, first out', async () => {
    const holder = await client.acquire('r');
    const record = new HistoryRecord();
    const queue = { server: 'server', resource: 'r' } as const;
    const served: number[] = [];
    const leavers = new Set<number>();
    const waits = Array.from({ length: WAITERS }, async (_, index) => {
      const waiter = String(index);
      record.add({ kind: 'queued', ...queue, waiter });
      const giveUp = new AbortController();
      // A fixed pattern that looks like none: the same in every run.
      if ((index * 7_919) % 10 < 3) {
        leavers.add(index);
        void eventually(30_000, 'somebody is served', () => (served.length > index / 4 ? true : undefined)).then(() => {
          record.add({ kind: 'left_queue', ...queue, waiter });
          giveUp.abort(new Error('changed its mind'));
        });
      }
      let lease: Lease;
      try {
        lease = await client.acquire('r', { waitMs: 60_000, signal: giveUp.signal });
      } catch {
        return;
      }
      record.add({ kind: 'served', ...queue, waiter });
      served.push(index);
      await lease.release();
    });
    await eventually(10_000, 'all of them wait', async () => {
      const [lease] = await listed(server.address);
      return lease?.waiters === WAITERS ? true : undefined;
    });
    await holder.release();
    await Promise.all(waits);
    const { queues, violations } = record.judged();
    expect(violations).to.deep.equal([]);
    expect(queues.checked).to.be.greaterThan(WAITERS / 2);
    const stayed = Array.from({ length: WAITERS }, (_, index) => index).filter((index) => !leavers.has(index));
    expect(served).to.include.members(stayed);
    expect(await listed(server.address)).to.have.length(0);
  }).timeout(60_000);
});
