import { expect } from 'chai';
import { freePort } from '../bench/systems/free-port.js';
import { shownAddress } from '../support/parse-node-address.js';
import { makeCertificates, type TestCertificates } from '../support/redis-certificates.js';
import { bid, nextValue } from '../support/redis-entries.js';
import { listeners, NodeRig, type RigOptions } from '../support/redis-node-rig.js';
import { type RedisOptions, type RedisServer, startRedis, startRedisServers } from '../support/redis-server.js';

const PASSWORD = 'sesame/open:it@once';
const KEY = 'holdfast:default:lock:orders/42';

describe('the connection to a Redis node', () => {
  const servers: RedisServer[] = [];
  const rigs: NodeRig[] = [];

  afterEach(async () => {
    await Promise.all(rigs.splice(0).map(({ node }) => node.close()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function redisWith(options: RedisOptions = {}): Promise<RedisServer> {
    const redis = await startRedis(options);
    servers.push(redis);
    return redis;
  }
  function rigAt(url: string, options: RigOptions = {}): NodeRig {
    const rig = new NodeRig(url, options);
    rigs.push(rig);
    return rig;
  }
  const withUser = (redis: RedisServer, user: string): string => redis.url.replace('//', `//${user}@`);

  /** Verifies, declares and takes a lock. */
  async function expectToWork(rig: NodeRig): Promise<void> {
    await rig.told((event) => event.kind === 'verified');
    await rig.declare();
    expect(await rig.vote('acquire', bid(KEY, nextValue()))).to.deep.equal({ kind: 'ok' });
  }
  function expectNoPassword(rig: NodeRig): void {
    const told = JSON.stringify(rig.events);
    expect(told).not.to.contain('sesame');
    expect(told).not.to.contain(encodeURIComponent(PASSWORD));
  }

  it('tells what Redis is', async () => {
    const redis = await redisWith();
    const rig = rigAt(redis.url);
    const event = await rig.told(({ kind }) => kind === 'verified');
    if (event.kind !== 'verified') throw new Error('not verified');
    expect(event.facts.identity).to.match(/^[0-9a-f]{40}:[0-9a-f]{40}$/);
    expect(event.facts.version).to.match(/^(redis|valkey) \d+\.\d+\.\d+$/);
    expect(event.facts.evictedKeys).to.equal(0);
  });

  it('gives the password, and is refused with another one or none', async () => {
    const redis = await redisWith({ password: PASSWORD });
    await expectToWork(rigAt(withUser(redis, `:${encodeURIComponent(PASSWORD)}`)));
    for (const [user, message] of [
      [':sesame', 'refused the password'],
      ['somebody:sesame', 'refused the password'],
    ] as const) {
      const rig = rigAt(withUser(redis, user));
      expect(await rig.down()).to.deep.equal({ kind: 'refused_password', message });
      expectNoPassword(rig);
      const reply = await rig.batch('acquire', bid(KEY, nextValue()));
      expect(reply).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'refused_password' });
    }
    const rig = rigAt(redis.url);
    expect(await rig.down()).to.deep.equal({
      kind: 'refused_password',
      message: 'wants a password, and none is configured',
    });
    const open = rigAt(withUser(await redisWith(), ':sesame'));
    expect(await open.down()).to.deep.equal({
      kind: 'refused_password',
      message: 'has no password, and one is configured',
    });
  });

  it('uses a user with few rights and the database it is told to', async () => {
    const redis = await redisWith();
    const rights = '~holdfast* &holdfast* +@connection +@read +@write +@scripting +info +time +publish +subscribe';
    await redis.client.call('ACL', 'SETUSER', 'holdfast', 'on', `>${PASSWORD}`, ...rights.split(' '));
    const rig = rigAt(`${withUser(redis, `holdfast:${encodeURIComponent(PASSWORD)}`)}/3`);
    await expectToWork(rig);
    await listeners(redis, 1);
    expect(await redis.client.exists(KEY)).to.equal(0);
    await redis.client.select(3);
    expect(await redis.client.exists(KEY)).to.equal(1);
    const foreign = await rig.batch('acquire', bid('elsewhere', nextValue()));
    expect(foreign).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'no_permission' });
    expect(await redis.client.exists('elsewhere')).to.equal(0);
    expectNoPassword(rig);
  });

  it('says when a user may not do what it must', async () => {
    const redis = await redisWith();
    await redis.client.call('ACL', 'SETUSER', 'holdfast', 'on', `>${PASSWORD}`, '~*', '+@connection', '+info');
    const rig = rigAt(withUser(redis, `holdfast:${encodeURIComponent(PASSWORD)}`));
    const fault = await rig.down();
    expect(fault.kind).to.equal('no_permission');
    expect(fault.message).to.match(/^does not let this user do what it must: .*script/);
  });

  it('says when there is no such database', async () => {
    const redis = await redisWith();
    expect((await rigAt(`${redis.url}/99`).down()).message).to.contain('DB index is out of range');
  });

  it('refuses a node that may evict keys, and takes it when that has been put right', async () => {
    const redis = await redisWith({ directives: [['maxmemory-policy', 'allkeys-lru']] });
    const rig = rigAt(redis.url);
    expect(await rig.down()).to.deep.equal({
      kind: 'unsuitable',
      message: 'has the eviction policy allkeys-lru; it must be noeviction',
    });
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    await expectToWork(rig);
  });

  it('refuses a node of a Redis Cluster, and a replica', async () => {
    const cluster = await redisWith({ directives: [['cluster-enabled', 'yes']] });
    expect(await rigAt(cluster.url).down()).to.deep.equal({
      kind: 'unsuitable',
      message: 'runs in cluster mode, not on its own',
    });
    const replica = await redisWith({ directives: [['replicaof', '127.0.0.1 1']] });
    expect(await rigAt(replica.url).down()).to.deep.equal({ kind: 'read_only', message: 'is a replica' });
  });

  it('tries until there is somebody', async () => {
    const port = await freePort();
    const rig = rigAt(`redis://127.0.0.1:${port}`);
    expect(await rig.down()).to.deep.equal({ kind: 'unreachable', message: 'refused the connection' });
    const redis = await startRedis({ port });
    servers.push(redis);
    await expectToWork(rig);
    expect(rig.events.filter(({ kind }) => kind === 'down')).to.have.length(1);
  });

  it('goes through a socket of this machine', async () => {
    const redis = await redisWith({ directives: [['unixsocket', 'redis.sock']] });
    await expectToWork(rigAt(`unix://${redis.directory}/redis.sock?db=2`));
    expect(shownAddress(`unix://user:sesame@${redis.directory}/redis.sock?db=2`)).not.to.contain('sesame');
  });

  it('listens for hints again when that connection is cut, and is up all the while', async () => {
    const redis = await redisWith();
    const rig = rigAt(redis.url);
    await expectToWork(rig);
    await listeners(redis, 1);
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await listeners(redis, 1);
    await redis.client.publish('holdfast\u0000main\u0000hints', `r${KEY}`);
    await rig.told((event) => event.kind === 'released' && event.key === KEY);
    expect(rig.events.map(({ kind }) => kind)).to.deep.equal(['verified', 'released']);
  });

  it('is told one identity by two connections to one Redis, and two by two', async () => {
    const two = await startRedisServers(2);
    servers.push(...two);
    const identities = await Promise.all(
      [...two, ...two].map(async ({ url }) => {
        const event = await rigAt(url).told(({ kind }) => kind === 'verified');
        return event.kind === 'verified' ? event.facts.identity : '';
      }),
    );
    expect(new Set(identities).size).to.equal(2);
  });

  describe('with TLS', () => {
    let certificates: TestCertificates;
    before(() => {
      certificates = makeCertificates();
    });
    after(() => certificates?.remove());

    it('shows its certificate and checks that of the node', async () => {
      const redis = await redisWith({ tls: certificates, password: PASSWORD });
      const url = withUser(redis, `:${encodeURIComponent(PASSWORD)}`);
      await expectToWork(rigAt(url, { tls: { ca: certificates.ca, ...certificates.client } }));
      const trusting = rigAt(url, { tls: certificates.client });
      const fault = await trusting.down();
      expect(fault.kind).to.equal('unreachable');
      expect(fault.message).to.contain('certificate');
      const unknown = rigAt(url, { tls: { ca: certificates.ca } });
      expect((await unknown.down()).kind).to.equal('unreachable');
      for (const rig of [trusting, unknown]) expectNoPassword(rig);
    });
  });
});
