import { expect } from 'chai';
import { ClientProcess } from '../support/client-process.js';
import { eventually } from '../support/deadline.js';
import { Http2Proxy } from '../support/http2-proxy.js';
import { listed } from '../support/listed.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const PATIENCE_MS = 10_000;
const name = 'r';

describe('faults: connections that have become old', function () {
  this.timeout(30_000);
  let holder: ClientProcess;
  let waiter: ClientProcess;

  before(async () => {
    [holder, waiter] = await Promise.all([ClientProcess.idle(), ClientProcess.idle()]);
  });
  after(() => Promise.all([holder.kill(), waiter.kill()]));

  /** Both are connected there, and one waits for what the other holds: resolves to its token, and to the other's grant. */
  async function begin(server: ServerProcess, target = server.address) {
    await holder.connect(target, 'holder');
    await waiter.connect(target, 'waiter');
    const { token } = await holder.do({ kind: 'acquire', name, ttlMs: 20_000, waitMs: 0 }, 'granted');
    const granted = waiter.do({ kind: 'acquire', name, ttlMs: 20_000, waitMs: 60_000 }, 'granted');
    await eventually(
      PATIENCE_MS,
      'somebody waits',
      async () => (await listed(server.address))[0]?.waiters || undefined,
    );
    return { token, granted };
  }

  async function passOn(server: ServerProcess, token: string, granted: Promise<{ readonly token: string }>) {
    expect(await Promise.race([granted, 'not yet'])).to.equal('not yet');
    const [lease] = await listed(server.address);
    expect(String(lease?.token)).to.equal(token);
    expect(await holder.do({ kind: 'look', name }, 'view')).to.include({ mayWrite: true, state: 'held' });
    expect((await holder.do({ kind: 'release', name }, 'released')).outcome).to.equal('released');
    expect(BigInt((await granted).token) > BigInt(token)).to.equal(true);
  }

  it('H8: are replaced again and again by --max-connection-age, and nobody notices', async () => {
    const server = await startServer({ args: ['--max-connection-age', '200ms'] });
    try {
      const { token, granted } = await begin(server);
      await eventually(PATIENCE_MS, 'both have moved three times', () => {
        const moves = [holder, waiter].map(({ states }) => states.filter((state) => state === 'connected').length);
        return Math.min(...moves) >= 3 ? moves : undefined;
      });
      for (const { states } of [holder, waiter]) expect(states).to.not.include('reconnecting');
      await passOn(server, token, granted);
    } finally {
      await server.kill();
    }
  });

  it('H8: are left when a proxy says GOAWAY, before it closes them', async () => {
    const server = await startServer();
    const proxy = await Http2Proxy.start(server.address);
    try {
      const { token, granted } = await begin(server, proxy.address);
      expect(proxy.connections).to.equal(2);
      await proxy.sayGoaway();
      await eventually(PATIENCE_MS, 'both are back', async () => {
        const [lease] = await listed(server.address);
        return lease?.sessionState === 1 && lease.waiters === 1 ? true : undefined;
      });
      expect(proxy.connections).to.equal(4);
      for (const { states } of [holder, waiter]) expect(states).to.deep.equal([]);
      await passOn(server, token, granted);
    } finally {
      await proxy.stop();
      await server.kill();
    }
  });
});
