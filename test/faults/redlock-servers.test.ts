import { expect } from 'chai';
import { inFigures } from '../history/history.js';
import { ClientProcess, nowUs } from '../support/client-process.js';
import { ClientRecord } from '../support/client-record.js';
import { eventually } from '../support/deadline.js';
import { listed } from '../support/listed.js';
import { ServerCluster } from '../support/server-cluster.js';
import type { ServerProcess } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Long enough for a client on a loaded machine to notice that its server is silent, and to go elsewhere in time. */
const TTL_MS = 2_000;
const WAIT_MS = 60_000;
/** How long anything may take that only waits for a loaded machine. */
const PATIENCE_MS = 10_000;

describe('faults: several servers on five Redis nodes', function () {
  this.timeout(60_000);
  let cluster: ServerCluster;
  let holder: ClientProcess;
  let waiter: ClientProcess;
  let other: ClientProcess;
  let record: ClientRecord;
  let name: string;
  let tests = 0;

  before(async () => {
    const clients = [ClientProcess.idle(), ClientProcess.idle(), ClientProcess.idle()] as const;
    cluster = await ServerCluster.start(3, '--min-ttl', '200ms');
    [holder, waiter, other] = await Promise.all(clients);
  });

  after(() => Promise.all([cluster.stop(), holder.kill(), waiter.kill(), other.kill()]));

  beforeEach(() => {
    tests += 1;
    name = `resource-${tests}`;
    record = new ClientRecord();
    for (const [client, who] of [
      [holder, 'holder'],
      [waiter, 'waiter'],
      [other, 'other'],
    ] as const)
      record.watch(client, who);
  });

  /** I1, I3, I4, of what clients did and believed. */
  afterEach(function () {
    if (this.currentTest?.isFailed()) return;
    const { figures, violations } = record.judged;
    expect(violations).to.deep.equal([]);
    if (figures.grants > 1) process.stdout.write(`      ${inFigures(figures)}\n`);
  });

  const options = { maxBackoffMs: 100 };

  function acquire(by: ClientProcess): ReturnType<typeof by.do<'granted'>> {
    return by.do({ kind: 'acquire', name, ttlMs: TTL_MS, waitMs: WAIT_MS }, 'granted');
  }

  /** Resolves when somebody waits for the resource at this server. */
  async function waitsAt(server: ServerProcess): Promise<void> {
    await eventually(PATIENCE_MS, 'somebody waits', async () => {
      const metrics = await (await fetch(server.metricsUrl ?? '')).text();
      return /^holdfast_waiters 1$/m.test(metrics) ? true : undefined;
    });
  }

  /** Resolves when this server carries the lease for a client that is there. */
  async function carries(server: ServerProcess, token: string): Promise<void> {
    await eventually(PATIENCE_MS, 'the lease is carried', async () => {
      const lease = (await listed(server.address)).find((each) => each.name === name);
      return lease?.sessionState === 1 && String(lease.token) === token ? true : undefined;
    });
  }

  async function passes(ms: number): Promise<void> {
    const fromUs = nowUs();
    await eventually(ms + PATIENCE_MS, `${ms} ms to pass`, () => (nowUs() - fromUs > 1_000 * ms ? true : undefined));
  }

  /** The holder still holds, and others get the resource when it gives it back. */
  async function passesOn(granted: ReturnType<typeof acquire>): Promise<void> {
    expect(await Promise.race([granted, 'not yet']), 'granted while it is held').to.equal('not yet');
    expect(await holder.do({ kind: 'look', name }, 'view')).to.include({ mayWrite: true });
    const fromUs = nowUs();
    expect((await holder.do({ kind: 'release', name }, 'released')).outcome).to.equal('released');
    const next = await granted;
    expect((next.atUs - fromUs) / 1_000).to.be.lessThan(2_000);
    await waiter.do({ kind: 'release', name }, 'released');
  }

  it('B2: a server stopped for longer than a TTL gives nobody a second belief when it goes on', async () => {
    const [first, second] = [cluster.server(1), cluster.server(2)];
    await holder.connect([first.address, second.address], 'holder', options);
    await waiter.connect(first.address, 'waiter', options);
    const { token } = await acquire(holder);
    const granted = acquire(waiter);
    await waitsAt(first);
    first.signal('SIGSTOP');
    try {
      await carries(second, token);
      await passes(1.2 * TTL_MS);
    } finally {
      first.signal('SIGCONT');
    }
    await waitsAt(first);
    await passes(1.5 * TTL_MS);
    await passesOn(granted);
  });

  it('B4b: a server that lives on with a queue never frees what its holder has taken elsewhere', async () => {
    const [first, second] = [cluster.server(1), cluster.server(2)];
    const proxy = await TcpProxy.start(first.address);
    try {
      await holder.connect([proxy.address, second.address], 'holder', options);
      await waiter.connect(first.address, 'waiter', options);
      const { token } = await acquire(holder);
      const granted = acquire(waiter);
      await waitsAt(first);
      proxy.treat('up', { kind: 'swallow' });
      proxy.treat('down', { kind: 'swallow' });
      await carries(second, token);
      await first.logged((line) => line.event === 'lease_lost' && line['resource'] !== undefined);
      await passes(TTL_MS);
      await passesOn(granted);
    } finally {
      await proxy.stop();
    }
  });

  it('L1: what one server frees, those who wait at another have soon', async () => {
    await holder.connect(cluster.server(1).address, 'holder', options);
    await waiter.connect(cluster.server(2).address, 'waiter', options);
    for (let round = 0; round < 5; round += 1) {
      await acquire(holder);
      const granted = acquire(waiter);
      await waitsAt(cluster.server(2));
      await passesOn(granted);
    }
  });

  it('L2: two servers whose clients never cease to ask have their turns', async () => {
    const work = { kind: 'work', names: [name], lanes: 4, ttlMs: 5_000, holdMs: 0 } as const;
    await holder.connect(cluster.server(1).address, 'first', options);
    await waiter.connect(cluster.server(2).address, 'second', options);
    for (const each of [holder, waiter]) each.tell(work);
    await passes(2_500);
    const worked = await Promise.all([holder, waiter].map((each) => each.do({ kind: 'rest' }, 'worked')));
    expect(worked.flatMap(({ failures }) => failures)).to.deep.equal([]);
    const grants = worked.flatMap(({ shifts }, server) =>
      shifts.map(({ token }) => ({ server, token: BigInt(token) })),
    );
    const order = grants.sort((a, b) => (a.token < b.token ? -1 : 1)).map(({ server }) => server);
    expect(Math.min(...worked.map(({ shifts }) => shifts.length)), 'nobody starves').to.be.greaterThan(20);
    for (const server of [0, 1]) expect(mostPassedOver(order, server)).to.be.at.most(8 * (2 - 1) + 8);
  });

  it('B5: a server that drains is left before it ends, and nobody is without one', async () => {
    const [first, second] = [cluster.server(1), cluster.server(2)];
    const targets = [first.address, second.address];
    await holder.connect(targets, 'holder', options);
    await waiter.connect(targets, 'waiter', options);
    const { token } = await acquire(holder);
    const granted = acquire(waiter);
    await waitsAt(first);
    const fromUs = nowUs();
    expect(await first.kill('SIGTERM')).to.include({ code: 0 });
    expect((nowUs() - fromUs) / 1_000, 'nobody waited for the drain time-out').to.be.lessThan(5_000);
    await carries(second, token);
    await waitsAt(second);
    for (const { states } of [holder, waiter]) expect(states).to.deep.equal(['draining', 'connected']);
    await passesOn(granted);
    const beganUs = nowUs();
    await other.connect(targets, 'other', options);
    expect((nowUs() - beganUs) / 1_000, 'the next target is tried at once').to.be.lessThan(1_000);
  });

  it('B1: a killed server takes neither lease nor token, and whoever waited there waits on elsewhere', async () => {
    const [second, third] = [cluster.server(2), cluster.server(3)];
    const targets = [second.address, third.address];
    await holder.connect(targets, 'holder', options);
    await waiter.connect(targets, 'waiter', options);
    const { token } = await acquire(holder);
    const granted = acquire(waiter);
    await waitsAt(second);
    await second.kill();
    await carries(third, token);
    await waitsAt(third);
    await passes(1.5 * TTL_MS);
    await passesOn(granted);
  });
});

/** The most hand-offs elsewhere between two grants of a server. A grant that follows another server's is none. */
function mostPassedOver(order: readonly number[], server: number): number {
  let [most, passedOver] = [0, 0];
  const turns = order.slice(order.indexOf(server), order.lastIndexOf(server) + 1);
  turns.forEach((each, index) => {
    if (each === server) passedOver = 0;
    else if (each === turns[index - 1]) passedOver += 1;
    most = Math.max(most, passedOver);
  });
  return most;
}
