import { expect } from 'chai';
import { acquireBid, grantee } from '../contract/store-bids.js';
import type { RedisServer } from '../support/redis-server.js';
import { FaultRig, lockKey, MAX_TTL_MS, quarantineOf } from '../support/redlock/fault-rig.js';
import { makeFit, makeUnfit } from '../support/redlock/unfit-node.js';

const ALL = [1, 2, 3, 4, 5];

describe('faults: Redis nodes that are not fit for use', function () {
  this.timeout(30_000);
  let rig: FaultRig;

  async function start(options: Parameters<typeof FaultRig.start>[1] = {}): Promise<void> {
    rig = await FaultRig.start(5, options);
  }
  afterEach(() => rig.finish());

  it('C11: nodes out of memory grant nothing and say so, while leases are extended and released', async () => {
    await start();
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    const given = await rig.hold(server, 'given back');
    await onAll(rig, ALL, (redis) => makeUnfit(redis, 'full'));
    await rig.refusal(server, 'new', /redis-\d failed: OOM command not allowed when used memory > 'maxmemory'/);
    for (let round = 0; round < 5; round += 1) expect(await holding.extend()).to.equal('renewed');
    expect(await given.release()).to.equal('released');
    expect(await holding.release()).to.equal('released');
    await rig.stands('r', 0);
    await onAll(rig, ALL, (redis) => makeFit(redis, 'full'));
    await rig.hold(server, 'new');
  });

  it('C11: a minority out of memory stops nothing, and keeps nothing of what it could not take', async () => {
    await start();
    const server = await rig.firstServer();
    await onAll(rig, [1, 2], (redis) => makeUnfit(redis, 'full'));
    const holding = await rig.hold(server, 'r');
    await rig.stands('r', 3);
    expect(await holding.extend()).to.equal('renewed');
    await onAll(rig, [1, 2], (redis) => makeFit(redis, 'full'));
    expect(await holding.extend()).to.equal('renewed');
    holding.keep();
    await rig.stands('r', 5);
  });

  it('C12: a node that is given an eviction policy at run time is found out by the next check, and is out', async () => {
    await start();
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    await rig.redis(1).client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await rig.redis(2).client.config('SET', 'maxmemory-policy', 'volatile-lru');
    const { detail } = await server.sees(1, 'unavailable');
    expect(detail).to.equal('has the eviction policy allkeys-lru; it must be noeviction');
    await server.sees(2, 'unavailable');
    await rig.hold(server, 'other');
    await rig.redis(1).client.config('SET', 'maxmemory-policy', 'noeviction');
    await server.sees(1, 'admitted');
    expect(await holding.extend()).to.equal('renewed');
  });

  it('C13: nodes that cannot save take nothing, count as down, and holders lose in time (I4)', async () => {
    await start({ directives: [['enable-protected-configs', 'yes']] });
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    await onAll(rig, [1, 2, 3], (redis) => makeUnfit(redis, 'unable_to_save'));
    expect(await holding.extend()).to.equal('unknown');
    await rig.refusal(server, 'new', /redis-1 takes no writes because it cannot save them to its disk/);
    expect(await holding.release()).to.equal('unknown');
    await onAll(rig, [1, 2, 3], (redis) => makeFit(redis, 'unable_to_save'));
    await rig.hold(server, 'r', MAX_TTL_MS, MAX_TTL_MS + 2_000);
    await rig.hold(server, 'new');
  });

  it('C14: nodes turned into replicas are out at once, and wait when they are primaries again', async () => {
    await start();
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    await onAll(rig, [4, 5], (redis) => makeUnfit(redis, 'replica'));
    expect(await holding.extend()).to.equal('renewed');
    for (const number of [4, 5]) expect((await server.sees(number, 'unavailable')).detail).to.equal('is a replica');
    const toldBefore = server.events.length;
    for (let round = 0; round < 5; round += 1) await (await rig.hold(server, 'other')).release();
    expect(server.events.slice(toldBefore)).to.deep.equal([]);
    const promotedMs = performance.now();
    await onAll(rig, [4, 5], (redis) => makeFit(redis, 'replica'));
    for (const number of [4, 5]) await server.sees(number, 'quarantined');
    for (const number of [4, 5]) await server.sees(number, 'admitted');
    expect(performance.now() - promotedMs).to.be.greaterThan(quarantineOf());
    expect(await holding.extend()).to.equal('renewed');
    await rig.stands('r', 5);
  });

  it('C14: when a majority has been turned into replicas nothing is granted, and the message says so', async () => {
    await start();
    const server = await rig.firstServer();
    await onAll(rig, [1, 2, 3], (redis) => makeUnfit(redis, 'replica'));
    await rig.refusal(
      server,
      'r',
      /^3 of 5 nodes unreachable: redis-1 is a replica, redis-2 is a replica, redis-3 is a/,
    );
  });

  it('C15: a password changed under way puts nodes out, and no message has any password in it', async () => {
    const password = 'first-secret';
    await start({ password });
    const withPassword = new Map(
      ALL.map((number) => [number, `redis://:${password}@127.0.0.1:${rig.redis(number).port}`]),
    );
    const server = await rig.server({}, [], withPassword);
    await rig.cluster.declareNew(server.store);
    const holding = await rig.hold(server, 'r', MAX_TTL_MS);
    await onAll(rig, [1, 2, 3], async ({ client }) => {
      await client.config('SET', 'requirepass', 'second-secret');
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    });
    const message = await rig.refusal(
      server,
      'other',
      /3 of 5 nodes unreachable: redis-1 refused the password, redis-2 ref/,
    );
    expect(await holding.extend()).to.equal('unknown');
    const told = JSON.stringify([message, server.events, server.store.nodes.report()]);
    expect(told).to.not.include('secret');
    expect(told).to.include('127.0.0.1');
    await onAll(rig, [1, 2, 3], ({ client }) => client.config('SET', 'requirepass', password));
    await rig.hold(server, 'other');
  });

  it('C15: a user who may no longer run scripts puts its node out, in words that say what is missing', async () => {
    await start();
    const user = 'holdfast';
    const rights = ['on', '>of-holdfast', '~*', '&*', '+@all'];
    await onAll(rig, ALL, ({ client }) => client.acl('SETUSER', user, ...rights));
    const urls = new Map(
      ALL.map((number) => [number, `redis://${user}:of-holdfast@127.0.0.1:${rig.redis(number).port}`]),
    );
    const server = await rig.server({}, [], urls);
    await rig.cluster.declareNew(server.store);
    await onAll(rig, [1, 2, 3], ({ client }) => client.acl('SETUSER', user, '-evalsha'));
    const message = await rig.refusal(server, 'r', /redis-1 does not let this user do what it must: .*evalsha/);
    expect(JSON.stringify([message, server.events])).to.not.include('of-holdfast');
    await onAll(rig, [1, 2, 3], ({ client }) => client.acl('SETUSER', user, '+evalsha'));
    await rig.hold(server, 'r');
  });

  it('something else at a lock’s key fails this entry alone, not its neighbours in the batch', async () => {
    await start();
    const server = await rig.firstServer();
    await onAll(rig, ALL, ({ client }) => client.hset(lockKey('hash'), 'a', 'b'));
    const bids = ['a', 'hash', 'b'].map((name) => acquireBid(name, grantee(name, { ttlMs: MAX_TTL_MS })));
    const answers = await server.on.batch.acquire(bids);
    expect(answers.map(({ kind }) => kind)).to.deep.equal(['granted', 'unavailable', 'granted']);
    const [, refused] = answers;
    expect(refused?.kind === 'unavailable' && refused.message).to.match(/redis-\d failed: WRONGTYPE/);
    for (const name of ['a', 'b']) expect(await server.on.release(name, name)).to.equal('released');
    await onAll(rig, ALL, ({ client }) => client.del(lockKey('hash')));
    await rig.hold(server, 'hash');
  });

  it('something else at a lock’s key at a minority of nodes stops nobody', async () => {
    await start();
    const server = await rig.firstServer();
    await onAll(rig, [1, 2], ({ client }) => client.hset(lockKey('r'), 'a', 'b'));
    const holding = await rig.hold(server, 'r');
    expect(await holding.extend()).to.equal('renewed');
    expect(await holding.release()).to.equal('released');
    await onAll(rig, [1, 2], ({ client }) => client.del(lockKey('r')));
  });
});

function onAll(rig: FaultRig, numbers: readonly number[], act: (redis: RedisServer) => Promise<unknown>) {
  return Promise.all(rig.redises(...numbers).map(act));
}
