import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import { bid, nextValue } from '../support/redis-entries.js';
import { NodeRig } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { VirtualClock } from '../support/virtual-clock.js';

const KEY = 'holdfast:default:lock:orders/42';

describe('a Redis node is looked at again', () => {
  let redis: RedisServer;
  let rig: NodeRig | undefined;
  let clock: VirtualClock;

  beforeEach(async () => {
    redis = await startRedis();
    clock = new VirtualClock();
  });
  afterEach(async () => {
    await rig?.node.close();
    expect(clock.pending).to.equal(0);
    await redis.stop();
  });

  const verifications = (of: NodeRig): number => of.events.filter(({ kind }) => kind === 'verified').length;

  async function opened(): Promise<NodeRig> {
    const node = new NodeRig(redis.url, { clock });
    rig = node;
    return node;
  }

  it('every five seconds, and tells its facts again', async () => {
    const node = await opened();
    await node.told(({ kind }) => kind === 'verified');
    await clock.advance(4_999);
    expect(verifications(node)).to.equal(1);
    await clock.advance(1);
    await eventually(5_000, 'the second look', () => verifications(node) === 2 || undefined);
    expect(node.events[1]).to.deep.equal(node.events[0]);
  });

  it('and has become another when its history has changed: nothing it says counts before its scripts are new', async () => {
    const node = await opened();
    await node.told(({ kind }) => kind === 'verified');
    await redis.client.replicaof('127.0.0.1', '1');
    await redis.client.replicaof('NO', 'ONE');
    await clock.advance(5_000);
    await eventually(5_000, 'the second look', () => verifications(node) === 2 || undefined);
    const [before, down, after] = node.events;
    expect(down).to.deep.nested.include({ kind: 'down', 'fault.kind': 'unverified' });
    expect(after).not.to.deep.equal(before);
  });

  it('and what it has done before it was found unfit is unknown, not undone', async () => {
    const node = await opened();
    await node.told(({ kind }) => kind === 'verified');
    await node.declare();
    await redis.client.config('SET', 'maxmemory-policy', 'volatile-ttl');
    // It says at once that it is unfit, and accepts a little later, what was sent before that was heard.
    await redis.client.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    redis.pause();
    await clock.advance(5_000);
    const reply = node.batch('acquire', bid(KEY, nextValue()));
    redis.resume();
    await node.down();
    await redis.client.call('CLIENT', 'UNPAUSE');
    expect(await reply).to.deep.equal({
      kind: 'fault',
      fault: {
        kind: 'error',
        message: 'answered in doubt: has the eviction policy volatile-ttl; it must be noeviction',
      },
    });
    expect(await redis.client.exists(KEY)).to.equal(1);
  });

  it('and one that evicts by now is not used any more', async () => {
    const node = await opened();
    await node.told(({ kind }) => kind === 'verified');
    await redis.client.config('SET', 'maxmemory-policy', 'volatile-ttl');
    await clock.advance(5_000);
    const fault = await node.down();
    expect(fault.message).to.equal('has the eviction policy volatile-ttl; it must be noeviction');
    const reply = await node.batch('acquire', bid(KEY, nextValue()));
    expect(reply).to.deep.equal({ kind: 'fault', fault });
    await clock.advance(1_000);
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    await eventually(5_000, 'that it is used again', async () => {
      await clock.advance(1_000);
      return verifications(node) === 2 || undefined;
    });
    expect(node.events.filter(({ kind }) => kind === 'down')).to.have.length(1);
  });

  it('for three seconds; one that hangs is connected to anew until it answers', async () => {
    redis.pause();
    const node = await opened();
    await eventually(5_000, 'that it is given up', async () => {
      await clock.advance(500);
      return node.events.length === 1 || undefined;
    });
    expect((await node.down()).kind).to.equal('timed_out');
    redis.resume();
    await eventually(5_000, 'that it is verified', async () => {
      await clock.advance(100);
      return verifications(node) === 1 || undefined;
    });
  });

  it('and one that hangs during the look is not used any more', async () => {
    const node = await opened();
    await node.told(({ kind }) => kind === 'verified');
    redis.pause();
    await clock.advance(8_000);
    expect(await node.down()).to.deep.equal({
      kind: 'timed_out',
      message: 'did not let itself be verified within 3000 ms',
    });
    redis.resume();
  });

  it('and leaves the same scripts there as every other server of the cluster', async () => {
    const node = await opened();
    await node.told(({ kind }) => kind === 'verified');
    const scripts = async (): Promise<string> =>
      /number_of_cached_scripts:(\d+)/.exec(await redis.client.info('memory'))?.[1] ?? '';
    expect(await scripts()).to.equal('16');
    const other = await NodeRig.verified(redis.url, { serverId: 'server-2' });
    await other.node.close();
    expect(await scripts()).to.equal('16');
  });
});
