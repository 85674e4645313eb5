import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { NodeFault } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { lockValue } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { eventually } from '../support/deadline.js';
import { bid, bookkeeping, hashOf, nextValue, TTL_MS, tokenOf } from '../support/redis-entries.js';
import { CONFIGURATION, NodeRig } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const KEY = 'holdfast:default:lock:orders/42';
const DECLARE = { kind: 'declare', nonce: 'n1', configuration: CONFIGURATION, maxTtlMs: 60_000 } as const;

describe('a Redis node that fails', () => {
  let redis: RedisServer;
  let rig: NodeRig;

  beforeEach(async () => {
    redis = await startRedis();
    rig = await NodeRig.admitted(redis.url);
  });
  afterEach(async () => {
    await rig?.node.close();
    await redis?.stop();
  });

  async function faultOfAcquire(): Promise<NodeFault> {
    const reply = await rig.batch('acquire', bid(KEY, nextValue()));
    if (reply.kind !== 'fault') throw new Error(`not a fault: ${JSON.stringify(reply)}`);
    return reply.fault;
  }

  it('without its scripts is verified again, and otherwise is what it was', async () => {
    const value = nextValue();
    await rig.vote('acquire', bid(KEY, value));
    await redis.client.script('FLUSH');
    const from = rig.events.length;
    const fault = { kind: 'unverified', message: 'has lost its scripts' } as const;
    expect(await faultOfAcquire()).to.deep.equal(fault);
    await rig.told((event) => event.kind === 'verified', from);
    expect(rig.events.slice(from).map(({ kind }) => kind)).to.deep.equal(['down', 'verified']);
    expect(rig.events[from]).to.deep.equal({ kind: 'down', fault });
    expect((await rig.vote('extend', { key: KEY, value, expiryMs: TTL_MS })).kind).to.equal('ok');
    expect((await rig.vote('acquire', bid('other', nextValue()))).kind).to.equal('ok');
  });

  it('that became a replica does not vote until it is a primary again, with another identity', async () => {
    const [before] = rig.events;
    const from = rig.events.length;
    await redis.client.replicaof('127.0.0.1', '1');
    // Sent together: the second is answered by the replica, after the first has shown what it is.
    const [refused, late] = await Promise.all([
      faultOfAcquire(),
      rig.batch('extend', { key: KEY, value: nextValue(), expiryMs: TTL_MS }),
    ]);
    expect(refused).to.deep.equal({ kind: 'read_only', message: 'is a replica' });
    expect(late).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'error' });
    expect(await rig.down(from)).to.deep.equal({ kind: 'read_only', message: 'is a replica' });
    const extension = await rig.batch('extend', { key: KEY, value: nextValue(), expiryMs: TTL_MS });
    expect(extension).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'read_only' });
    await redis.client.replicaof('NO', 'ONE');
    const again = await rig.told((event) => event.kind === 'verified', from);
    expect(rig.events.slice(from).filter(({ kind }) => kind === 'down')).to.have.length(1);
    expect(again).not.to.deep.equal(before);
    const reply = await rig.batch('acquire', bid(KEY, nextValue()));
    expect(reply).to.deep.include({ kind: 'barred', why: 'not_admitted' });
  });

  it('that runs out of memory takes no grant, and leaves nothing of it; extend, adopt, release and tombstones work', async () => {
    const [value, buried] = [nextValue(), nextValue(hashOf('c3'))];
    await rig.vote('acquire', bid(KEY, value));
    await redis.client.config('SET', 'maxmemory', '1');
    for (const vote of await rig.votes('acquire', bid('a', nextValue()), bid('b', nextValue()))) {
      expect(vote).to.deep.include({ kind: 'fault', code: 'out_of_memory' });
    }
    expect((await rig.vote('extend', { key: KEY, value, expiryMs: 2 * TTL_MS })).kind).to.equal('ok');
    const swapped = lockValue(hashOf('b2'), tokenOf(value));
    const adoption = { key: KEY, presented: [value], value: swapped, expiryMs: TTL_MS };
    expect((await rig.vote('adopt', adoption)).kind).to.equal('ok');
    expect((await rig.vote('release', { key: KEY, values: [swapped], tombstone: 0, waitingSinceUs: 0 })).kind).to.equal(
      'released',
    );
    const burial = { key: 'c', values: [buried], tombstone: tokenOf(buried), waitingSinceUs: 0 };
    expect((await rig.vote('release', burial)).kind).to.equal('gone');
    await redis.client.config('SET', 'maxmemory', '0');
    expect(await redis.client.exists('a', 'b', 'a\u0000b', 'b\u0000b')).to.equal(0);
    expect((await rig.vote('acquire', bid('c', buried))).kind).to.equal('low');
  });

  it('that lets its user touch some keys only may have done a part of the call that fails', async () => {
    const keys = ['~holdfast?main?*', '~holdfast:default:lock:a*'];
    await redis.client.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '+@all', '&*', ...keys);
    const limited = await NodeRig.verified(redis.url.replace('://', '://limited:secret@'));
    try {
      const lock = 'holdfast:default:lock:a';
      const reply = await limited.batch('acquire', bid(lock, nextValue()), bid(KEY, nextValue()));
      expect(reply).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'no_permission' });
      expect(await redis.client.exists(lock)).to.equal(1);
    } finally {
      await limited.node.close();
    }
  });

  it('that cannot save what it is told says so, and keeps its verification', async () => {
    const from = rig.events.length;
    await rm(redis.directory, { recursive: true });
    await redis.client.config('SET', 'save', '3600 1');
    await redis.client.bgsave();
    await eventually(5_000, 'the background save to fail', async () => {
      const persistence = await redis.client.info('persistence');
      return persistence.includes('rdb_last_bgsave_status:err') ? true : undefined;
    });
    expect((await faultOfAcquire()).kind).to.equal('cannot_persist');
    expect(rig.events).to.have.length(from);
  });

  it('that restarted is another one, and is not admitted', async () => {
    const from = rig.events.length;
    await redis.restart();
    const down = await rig.down(from);
    expect(down.kind).to.equal('unreachable');
    const again = await rig.told((event) => event.kind === 'verified', from);
    expect(again).not.to.deep.equal(rig.events[0]);
    expect(await rig.batch('acquire', bid(KEY, nextValue()))).to.deep.include({ why: 'not_admitted' });
  });

  it('that restarted with its data is not admitted either', async () => {
    await rig.node.close();
    await redis.stop();
    redis = await startRedis({
      directives: [
        ['appendonly', 'yes'],
        ['appendfsync', 'always'],
      ],
    });
    rig = await NodeRig.admitted(redis.url);
    const from = rig.events.length;
    const admission = await redis.client.get(bookkeeping('adm'));
    await redis.restart();
    await rig.told((event) => event.kind === 'verified', from);
    expect(await redis.client.get(bookkeeping('adm'))).to.equal(admission);
    expect(await rig.batch('acquire', bid(KEY, nextValue()))).to.deep.include({ why: 'not_admitted' });
  });

  it('that was wiped is the same one, and is not admitted', async () => {
    const from = rig.events.length;
    await redis.client.flushall();
    expect(await rig.batch('acquire', bid(KEY, nextValue()))).to.deep.include({ why: 'not_admitted' });
    expect(rig.events).to.have.length(from);
  });

  it('whose connection is cut answers what is under way with a fault, and is connected to anew', async () => {
    const from = rig.events.length;
    await redis.client.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const waiting = rig.batch('acquire', bid(KEY, nextValue()));
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await waiting).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'unreachable' });
    await redis.client.call('CLIENT', 'UNPAUSE');
    await rig.told((event) => event.kind === 'verified', from);
    expect((await rig.vote('acquire', bid(KEY, nextValue()))).kind).to.equal('ok');
  });

  it('that hangs is let go of by reconnect: what is under way gets its answer, and what comes later another', async () => {
    const from = rig.events.length;
    redis.pause();
    const waiting = rig.batch('acquire', bid(KEY, nextValue()));
    rig.node.reconnect();
    expect(await waiting).to.deep.nested.include({ kind: 'fault', 'fault.kind': 'timed_out' });
    expect((await faultOfAcquire()).kind).to.equal('timed_out');
    redis.resume();
    await rig.told((event) => event.kind === 'verified', from);
    expect((await rig.vote('acquire', bid('other', nextValue()))).kind).to.equal('ok');
  });

  it('is not called any more once it is closed', async () => {
    const waiting = rig.batch('acquire', bid(KEY, nextValue()));
    await rig.node.close();
    expect((await waiting).kind).to.equal('fault');
    expect(await rig.errand(DECLARE)).to.deep.nested.include({
      kind: 'fault',
      'fault.message': 'is not connected to any more',
    });
  });
});
