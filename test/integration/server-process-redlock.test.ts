import { connect } from '@holdfast/client';
import { expect } from 'chai';
import { METRICS } from '../../server/src/telemetry/metric-table.js';
import { eventually } from '../support/deadline.js';
import { runHoldfast } from '../support/holdfast-command.js';
import { type RedisServer, startRedisServers } from '../support/redis-server.js';
import { runServer, type ServerProcess, startServer } from '../support/server-process.js';
import { anyClient } from '../wire/support/any-client.js';

const SEEN_MS = 10_000;
const HEALTH_PROTO = 'third_party/grpc/health/v1/health.proto';

const nodesOf = (redises: readonly RedisServer[]): string =>
  redises.map(({ url }, index) => `redis-${index + 1}=${url}`).join(',');

describe('a server over Redis nodes', function () {
  this.timeout(60_000);
  let redises: readonly RedisServer[];
  let nodes: string;

  before(async () => {
    redises = await startRedisServers(3);
    nodes = nodesOf(redises);
  });

  after(() => Promise.all(redises.map((redis) => redis.stop())));

  const ofRedlock = (...args: readonly string[]): readonly string[] => ['--store', 'redlock', ...args];

  const health = (server: ServerProcess): Promise<string> =>
    new Promise((resolve, reject) => {
      const client = anyClient(HEALTH_PROTO, 'grpc.health.v1.Health', server.address);
      client['Check']?.({ service: '' }, (error: Error | null, answer: { readonly status: string }) => {
        client.close();
        if (error === null) resolve(answer.status);
        else reject(error);
      });
    });

  const becomes = (server: ServerProcess, status: string): Promise<true> =>
    eventually(SEEN_MS, status, async () => ((await health(server)) === status ? true : undefined));

  it('is checked without leaving anything behind', async () => {
    const check = await runServer({ args: ofRedlock('--check', '--listen', '127.0.0.1:0', '--redis-nodes', nodes) });
    expect(check.code, check.stderr).to.equal(0);
    for (const { url } of redises)
      expect(check.stdout).to.match(new RegExp(`^node redis-\\d at ${url} answers: `, 'm'));
    for (const { client } of redises) expect(await client.keys('*')).to.deep.equal([]);
  });

  it('listens before anything can be granted, and says what it waits for', async () => {
    const own = await startRedisServers(3);
    const server = await startServer({ args: ofRedlock('--redis-nodes', nodesOf(own)) });
    try {
      expect(await health(server)).to.equal('NOT_SERVING');
      const told = await server.logged(({ event }) => event === 'node_quarantined');
      expect(told['leftMs']).to.be.within(60_000, 63_000);
      const asked = await runHoldfast(['run', 'x', '--', 'true'], { server: server.address });
      expect(asked.code, asked.stderr).to.equal(69);

      const init = await eventually(SEEN_MS, 'a new cluster', async () => {
        const run = await runHoldfast(['admin', 'init'], { server: server.address });
        return run.code === 0 ? run : undefined;
      });
      expect(init.stdout).to.not.equal('');
      await becomes(server, 'SERVING');
      const client = await connect(server.address);
      const lease = await client.acquire('x');
      await lease.release();
      await client.close();

      await Promise.all([own[0]?.kill(), own[1]?.kill()]);
      await becomes(server, 'NOT_SERVING');
      await server.logged(({ event }) => event === 'not_granting');
      const { stdout } = await runHoldfast(['ls', '--nodes'], { server: server.address });
      expect(stdout).to.match(/^1 of 3 nodes vote, and 2 must agree to a grant$/m);
      const text = await (await fetch(server.metricsUrl ?? '')).text();
      expect(text).to.match(/^holdfast_node_state\{node="redis-1",state="unavailable"\} 1$/m);
      expect(text).to.match(/^holdfast_store_available 0$/m);
      const served = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
      // It counts what a store on a disk of its own does.
      const absent = /^holdfast_(failures_total|store_commit_\w+)$/;
      const missing = Object.keys(METRICS).filter((name) => !served.has(name) && !absent.test(name));
      expect(missing).to.deep.equal([]);
    } finally {
      await server.stop();
      await Promise.all(own.map((redis) => redis.stop()));
    }
  });

  it('does not go on when two names are one Redis', async () => {
    const [first, , third] = redises;
    const twins = `redis-1=${first?.url},redis-2=redis://localhost:${first?.port},redis-3=${third?.url}`;
    const message = 'redis-1 and redis-2 are one and the same Redis: each node must be a process of its own';
    const args = ofRedlock('--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--redis-nodes', twins);
    const [check, start] = await Promise.all([runServer({ args: [...args, '--check'] }), runServer({ args })]);
    expect(check).to.include({ code: 3, stderr: `holdfast-server: ${message}\n` });
    expect(start.code).to.equal(3);
    expect(start.stderr).to.include(`"event":"start_refused","reason":"${message}"`);
  });

  it('refuses certificates that are none', async () => {
    const node = 'only=rediss://127.0.0.1:1';
    const args = ofRedlock('--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--redis-nodes', node);
    for (const [path, problem] of [
      ['/nowhere.pem', 'the file /nowhere.pem of --redis-ca cannot be read (ENOENT)'],
      ['/dev/null', 'the file /dev/null of --redis-ca is not PEM'],
    ] as const) {
      const run = await runServer({ args: [...args, '--redis-ca', path] });
      expect(run.code).to.equal(2);
      expect(run.stderr).to.include(problem);
    }
  });
});
