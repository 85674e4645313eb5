import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { connect } from '../../client/src/index.js';
import { readySummary } from '../../server/src/process/ready.js';
import { METRICS } from '../../server/src/telemetry/metric-table.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { acquire, WireClient, type WireStream } from '../wire/support/wire-client.js';

describe('holdfast-server, serving', function () {
  this.timeout(40_000);
  let server: ServerProcess | undefined;
  let client: WireClient | undefined;

  afterEach(async () => {
    client?.close();
    await server?.stop();
    client = undefined;
    server = undefined;
  });

  async function start(options: Parameters<typeof startServer>[0] = {}): Promise<ServerProcess> {
    server = await startServer(options);
    return server;
  }

  function session({ address }: ServerProcess): Promise<WireStream> {
    client = new WireClient(address);
    return client.openSession();
  }

  it('says on one line where it is', async () => {
    const { logs, address, pid, dataDir } = await start();
    const ready = logs.find((line) => line.event === 'ready');
    expect(ready).to.include({ level: 'info', address, pid, dataDir, store: 'embedded' });
    expect(address).to.match(/^127\.0\.0\.1:[1-9]\d+$/);
    expect(ready?.['serverId']).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('serves leases and counts them, with every metric documented', async () => {
    const { metricsUrl = '', ...rest } = await start();
    const stream = await session({ metricsUrl, ...rest });
    stream.write({ id: 2, kind: acquire('orders/42') });
    expect((await stream.answer(2)).kind?.$case).to.equal('granted');
    const text = await (await fetch(metricsUrl)).text();
    const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const documented = Object.entries(METRICS).map(([name, { type }]) => `${name} ${type}`);
    // A reason for failure has no series before the first failure, and this store has no nodes.
    const absent = /^holdfast_(failures_total|node_\w+|votes_refused_total|quorum) /;
    const expected = documented.filter((line) => !absent.test(line));
    expect(served).to.have.members(expected);
    expect(text).to.include('holdfast_acquires_total{outcome="granted"} 1\n');
    expect(text).to.include('holdfast_leases 1\n');
    expect(text).to.include('holdfast_sessions{state="attached"} 1\n');
    expect(text).to.match(/^holdfast_store_commit_grants_sum\{store="embedded"\} 1$/m);
    expect(text).to.not.include('orders/42');
  });

  it('logs sessions, and no secrets', async () => {
    const running = await start();
    const stream = await session(running);
    const opened = await running.logged((line) => line.event === 'session_opened');
    expect(opened).to.include({ level: 'info', clientName: 'wire test', resumed: false });
    stream.write({ id: 2, kind: { $case: 'close', value: {} } });
    await running.logged((line) => line.event === 'session_ended' && line['cause'] === 'closed');
    expect(JSON.stringify(running.logs)).to.not.match(/secret|hash/i);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends with 0 at once on ${signal} when nobody is connected`, async () => {
      const running = await start();
      expect(await running.kill(signal)).to.deep.equal({ code: 0, signal: null });
      expect(running.logs.at(-1)).to.include({ event: 'stopped' });
    });
  }

  it('drains: tells its clients, waits for them, and ends with 0 when they have left', async () => {
    const running = await start();
    const stream = await session(running);
    running.signal('SIGTERM');
    await stream.frame((frame) => frame.kind?.$case === 'draining');
    expect(await running.logged((line) => line.event === 'draining')).to.include({ streams: 1, signal: 'SIGTERM' });
    stream.call.cancel();
    expect(await running.ended).to.deep.equal({ code: 0, signal: null });
  });

  it('is left at once by a client that knows no other server; its lease is given back at the successor', async () => {
    const first = await start({ args: ['--drain-timeout', '1h'] });
    await using holder = await connect(first.address, { name: 'holder' });
    const lease = await holder.acquire('orders/42', { ttlMs: 60_000 });
    first.signal('SIGTERM');
    expect(await first.ended).to.deep.equal({ code: 0, signal: null });
    const released = lease.release();
    const successor = await startServer({ dataDir: first.dataDir, args: ['--listen', first.address] });
    try {
      expect(await released).to.deep.equal({ outcome: 'released' });
      expect(await successor.logged((line) => line.event === 'session_opened')).to.include({ resumed: true });
    } finally {
      await successor.stop();
    }
  });

  it('ends streams that stay beyond the drain time-out, and then with 0', async () => {
    const running = await start({ args: ['--drain-timeout', '300ms'] });
    const stream = await session(running);
    running.signal('SIGTERM');
    const { code, infos } = await stream.ended();
    expect(code).to.equal('UNAVAILABLE');
    expect(infos[0]?.reason).to.equal('DRAINING');
    expect(await running.ended).to.deep.equal({ code: 0, signal: null });
  });

  it('ends at once with 1 on the second signal', async () => {
    const running = await start({ args: ['--drain-timeout', '1h'] });
    const stream = await session(running);
    running.signal('SIGTERM');
    await stream.frame((frame) => frame.kind?.$case === 'draining');
    expect(await running.kill('SIGINT')).to.deep.equal({ code: 1, signal: null });
    expect(running.logs.at(-1)).to.include({ event: 'stopped_at_once', signal: 'SIGINT' });
  });

  it('starts again on the directory of a server that was killed', async () => {
    const first = await start();
    await first.kill('SIGKILL');
    const second = await startServer({ dataDir: first.dataDir });
    expect(await second.stop()).to.deep.equal({ code: 0, signal: null });
  });

  for (const [what, crash] of [
    ['an exception', "throw new Error('boom')"],
    ['a rejection', "Promise.reject(new Error('boom'))"],
  ] as const) {
    it(`logs ${what} nobody caught, and ends with 1`, async () => {
      const script = `data:text/javascript,process.on('SIGUSR2',()=>{${crash}})`;
      const running = await start({ nodeArgs: ['--import', script] });
      expect(await running.kill('SIGUSR2')).to.deep.equal({ code: 1, signal: null });
      expect(running.logs.at(-1)).to.include({ level: 'fatal', event: 'crashed' });
      expect(JSON.stringify(running.logs.at(-1)?.['error'])).to.include('boom');
    });
  }

  it('ends with 3 when a commit fails, before the grant is told', async () => {
    const running = await start();
    const stream = await session(running);
    // No file may grow or be written beyond 0 bytes: as good as a full disk.
    await promisify(execFile)('prlimit', ['--pid', String(running.pid), '--fsize=0']);
    stream.write({ id: 2, kind: acquire('orders/42') });
    expect(await running.ended).to.deep.equal({ code: 3, signal: null });
    expect(running.logs.at(-1)).to.include({ level: 'fatal', event: 'store_failed' });
    await stream.ended();
    expect(stream.frames.filter((frame) => frame.kind?.$case === 'granted')).to.deep.equal([]);
  });

  it('listens on a Unix socket, also where a killed server left its own', async () => {
    const { dataDir } = await start({ args: ['--metrics-listen', 'off'] });
    const args = ['--listen', `unix:${dataDir}.sock`, '--metrics-listen', 'off'];
    const first = await startServer({ args });
    await first.kill('SIGKILL');
    await first.stop();
    const second = await startServer({ args });
    expect(second.address).to.equal(`unix:${dataDir}.sock`);
    expect(second.metricsUrl).to.equal(undefined);
    expect(await second.stop()).to.deep.equal({ code: 0, signal: null });
  });
});

describe('what people are told', () => {
  const store = { kind: 'embedded', directory: '/data' } as const;
  const facts = { version: '1.2.3', address: '127.0.0.1:7420', metrics: undefined, store };

  it('is where the server is and what to try', () => {
    expect(readySummary(facts).split('\n')).to.deep.equal([
      'Holdfast 1.2.3 is ready at 127.0.0.1:7420',
      '  leases    /data',
      '  metrics   off',
      '  try       npx holdfast run demo -- echo hello',
      '',
    ]);
  });

  it('names the server in the command where it is not at the default address', () => {
    expect(readySummary({ ...facts, address: 'unix:/run/h' })).to.include('holdfast --server unix:/run/h run demo');
  });
});
