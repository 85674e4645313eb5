import { expect } from 'chai';
import type { BatchVerb, RedisNode } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { payloadOf } from '../../server/src/store/redlock/node/payload.js';
import { acquireBid, adoptBid, extendBid, grantee, handOffBid, releaseBid, resource } from '../contract/store-bids.js';
import { CoordinatorRig, type RigServer } from '../support/redlock/coordinator-rig.js';

describe('the traffic to the nodes', () => {
  let rig: CoordinatorRig;
  let server: RigServer;

  beforeEach(async () => {
    rig = await CoordinatorRig.of(3);
    server = await rig.server();
  });

  /** The verbs of the calls that leave for a node from now on. */
  function callsOf(node: RedisNode): readonly BatchVerb[] {
    const verbs: BatchVerb[] = [];
    const send = node.batch.bind(node);
    node.batch = (batch, answered) => {
      verbs.push(batch.verb);
      send(batch, answered);
    };
    return verbs;
  }

  it('fails what waits as soon as too many nodes hang for it (I5)', async () => {
    const token = await rig.during(server.on.granted('a', grantee('h')));
    for (const number of [2, 3]) rig.redis(number).pause();
    const answers = [1, 2, 3, 4].map(() => server.on.extend('a', 'h', token));
    expect(await rig.during(Promise.all(answers), 250)).to.deep.equal(['unknown', 'unknown', 'unknown', 'unknown']);
  });

  it('leaves no verb behind, however many others there are', async () => {
    const [node] = server.nodes;
    if (node === undefined) throw new Error('there is no node');
    const calls = callsOf(node);
    const { coordinator } = server;
    // Whoever is answered asks again at once: there is always a release to go out.
    const busy = (name: string): void => coordinator.release([{ ...releaseBid(name), token: 1n }], () => busy(name));
    for (let index = 0; index < 600; index += 1) busy(`busy ${index}`);
    const to = grantee('h', { ttlMs: 60_000 });
    coordinator.handOff([handOffBid('a', { secret: 'h', token: 1n }, to)], () => undefined);
    coordinator.adopt([adoptBid('b', [], 1n, to)], () => undefined);
    coordinator.acquire([acquireBid('c', to)], () => undefined);
    coordinator.extend([extendBid('d', 'h', 1n)], () => undefined);
    await rig.pass(10);
    for (const verb of ['hand_off', 'adopt', 'acquire', 'extend'] as const) {
      expect(calls.indexOf(verb), `calls before ${verb}`).to.be.within(0, 16);
    }
  });

  it('frees later what a node that answers could not free at once, also if nothing else is asked', async () => {
    const token = await rig.during(server.on.granted('a', grantee('h', { ttlMs: 60_000 })));
    const nodes = [1, 2, 3].map((number) => rig.redis(number));
    for (const redis of nodes) redis.failing = { kind: 'cannot_persist', message: 'takes no writes' };
    expect(await rig.during(server.on.releaseLease('a', 'h', token))).to.equal('unknown');
    await rig.pass(1_000);
    for (const redis of nodes) redis.failing = undefined;
    await rig.pass(500);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined]);
    await rig.pass(1_000);
    expect(rig.clock.pending, 'timers left').to.equal(0);
  });

  it('cuts every call at 64 KB, counted in bytes (8 older secrets, names beyond ASCII)', async () => {
    const [node] = server.nodes;
    if (node === undefined) throw new Error('there is no node');
    const send = node.batch.bind(node);
    const sizes: number[] = [];
    node.batch = (batch, answered) => {
      sizes.push(payloadOf(batch).length);
      send(batch, answered);
    };
    const names = Array.from({ length: 256 }, (_, index) => `${'€'.repeat(84)}${index}`);
    const older = Array.from({ length: 8 }, (_, index) => `older ${index}`);
    const to = grantee('h', { ttlMs: 60_000 });
    const { coordinator } = server;
    const none = (): void => undefined;
    coordinator.acquire(
      names.map((name) => acquireBid(name, to, older)),
      none,
    );
    coordinator.adopt(
      names.map((name) => adoptBid(name, older, 1n, to)),
      none,
    );
    coordinator.introduce(
      names.map((name) => ({ resource: resource(name), hash: to.hash, token: 1n, clientName: 'n'.repeat(256) })),
    );
    await rig.pass(100);
    // What is told later is no exception.
    rig.redis(1).failing = { kind: 'cannot_persist', message: 'takes no writes' };
    coordinator.release(
      names.map((name) => ({ ...releaseBid(name, ...older), token: 1n })),
      none,
    );
    await rig.pass(1_000);
    rig.redis(1).failing = undefined;
    await rig.pass(1_000);
    expect(Math.max(...sizes)).to.be.within(32 * 1_024, 64 * 1_024);
  });
});
