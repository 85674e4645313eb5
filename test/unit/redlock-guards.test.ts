import { expect } from 'chai';
import type { AcquireAnswer, LeaseStore } from '../../server/src/core/store-port.js';
import { Coordinator } from '../../server/src/store/redlock/coordinator/coordinator.js';
import type { Electorate } from '../../server/src/store/redlock/coordinator/electorate.js';
import { quarantineMs } from '../../server/src/store/redlock/coordinator/settings.js';
import { grantee } from '../contract/store-bids.js';
import { Verbs } from '../contract/verbs.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { CoordinatorRig, type RigServer } from '../support/redlock/coordinator-rig.js';
import { MembershipRig } from '../support/redlock/membership-rig.js';
import { redlockSettings } from '../support/redlock/model-settings.js';

const KEY = 'holdfast:default:lock:a';
/** A validity of 985 ms, and a deadline of 100 ms for every node's answer. */
const TTL_MS = 1_000;
/** After it calls have been executed at the nodes, and answers are on their way. */
const ANSWERS_UNDER_WAY_MS = 0.3;

describe('a grant that is told too late', () => {
  let rig: CoordinatorRig;
  let server: RigServer;

  beforeEach(async () => {
    rig = await CoordinatorRig.of(3);
    server = await rig.server();
  });

  /** The answers come into a process that stands still, and are taken before its timers. */
  async function bidAndStall(forMs: number): Promise<AcquireAnswer> {
    const asked = server.on.acquire('a', grantee('h', { ttlMs: TTL_MS }));
    await rig.pass(ANSWERS_UNDER_WAY_MS);
    rig.clock.stall(forMs);
    return rig.during(asked);
  }

  it('is none: its validity counts from the call, not from the answers (A3, S3)', async () => {
    expect((await bidAndStall(990)).kind).to.equal('unavailable');
    await rig.pass(10);
    expect(rig.values('a'), 'nothing is left, also where the answer came after the decision').to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    expect((await bidAndStall(980)).kind, 'just in time').to.equal('granted');
  });

  it('is none in the second round either, which still counts from the call', async () => {
    const ballot = String(rig.redis(1).clockUs + 3_000_000);
    for (const redis of rig.redises) redis.keys.set(`\u0000ballot ${KEY}`, ballot, 600_000);
    for (const number of [1, 2, 3]) rig.slowReplies(server, number, 20);
    const late = server.on.acquire('a', grantee('h', { ttlMs: TTL_MS }));
    await rig.pass(ANSWERS_UNDER_WAY_MS);
    rig.clock.stall(970);
    expect((await rig.during(late)).kind).to.equal('unavailable');
  });

  it('is none when it was handed on', async () => {
    const token = await rig.during(server.on.granted('a', grantee('h')));
    const asked = server.on.handOff('a', { secret: 'h', token }, grantee('n', { ttlMs: TTL_MS }));
    await rig.pass(ANSWERS_UNDER_WAY_MS);
    rig.clock.stall(990);
    expect((await rig.during(asked)).kind).to.equal('unavailable');
  });
});

describe('a bid that failed', () => {
  let rig: CoordinatorRig;
  let server: RigServer;

  beforeEach(async () => {
    rig = await CoordinatorRig.of(5);
    server = await rig.server();
    for (const number of [1, 2, 3]) rig.redis(number).keys.set(KEY, 'somebody', 50_000);
  });

  it('is deleted where its accept comes after the decision', async () => {
    for (const number of [4, 5]) rig.slowReplies(server, number, 20);
    expect((await rig.during(server.on.acquire('a', grantee('h')))).kind).to.equal('held');
    await rig.pass(10);
    expect(rig.values('a').slice(3), 'accepted, and on its way to tell').to.not.include(undefined);
    await rig.pass(50);
    expect(rig.values('a').slice(3)).to.deep.equal([undefined, undefined]);
  });

  it('is deleted where it was accepted before the call failed', async () => {
    const node = server.nodes[3];
    if (node === undefined) throw new Error('there is no redis-4');
    const send = node.batch.bind(node);
    // A script that may touch the first key and not the second has accepted the first all the same.
    const fault = { kind: 'no_permission', message: 'does not let this user do what it must' } as const;
    node.batch = (batch, answered) =>
      send(batch, (reply) => answered(batch.verb === 'acquire' ? { kind: 'fault', fault } : reply));
    expect((await rig.during(server.on.acquire('a', grantee('h')))).kind).to.equal('held');
    await rig.pass(50);
    expect(rig.values('a').slice(3)).to.deep.equal([undefined, undefined]);
  });

  it('is deleted where its accept is never told', async () => {
    rig.redis(1).keys.delete(KEY);
    for (const node of server.nodes.slice(3)) node.cut('replies');
    expect((await rig.during(server.on.acquire('a', grantee('h')))).kind).to.equal('held');
    expect(rig.values('a').slice(3), 'accepted, and nobody knows').to.not.include(undefined);
    for (const node of server.nodes.slice(3)) {
      node.heal();
      node.reconnect();
    }
    await rig.pass(500);
    expect(rig.values('a')).to.deep.equal([undefined, 'somebody', 'somebody', undefined, undefined]);
  });
});

describe('the quarantine', () => {
  it('is longer than both halves of the window, with leases however short', () => {
    const settings = redlockSettings({ maxTtlMs: 100 });
    expect(quarantineMs(settings, 100)).to.be.greaterThan(2 * settings.windowMs);
  });

  it('is longer than any lease a server that has left may have granted', async () => {
    const rig = new MembershipRig();
    const gone = rig.server({ maxTtlMs: 10_000 });
    await rig.world.advance(100);
    await gone.membership.close();
    const server = rig.server();
    await rig.world.advance(10_000);
    expect(server.votes()).to.not.include(true);
    await rig.until(() => server.votes().every(Boolean), 2_000);
  });
});

describe('a vote', () => {
  it('counts no accept of a node that may not vote, and deletes it', async () => {
    const rig = await CoordinatorRig.of(3);
    const { nodes } = await rig.server();
    const suspects = new Set([1, 2]);
    const electorate: Electorate = {
      size: 3,
      quorum: 2,
      nodeName: (node) => `redis-${node + 1}`,
      reachable: () => true,
      mayVote: (node) => !suspects.has(node),
      obstacle: () => undefined,
      pausing: () => false,
      confirmed: () => true,
      medianUs: () => rig.redis(1).clockUs,
      observed: () => undefined,
    };
    const ports = { clock: rig.clock, random: new SeededRandom(1), electorate };
    const on = new Verbs(() => new Coordinator(rig.settings, nodes, ports) as unknown as LeaseStore);
    expect((await rig.during(on.acquire('a', grantee('h')))).kind).to.equal('unavailable');
    await rig.pass(10);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined]);
    suspects.clear();
    expect((await rig.during(on.acquire('a', grantee('h')))).kind).to.equal('granted');
  });

  it('is not lost while the nodes that are silent may have it', async () => {
    const rig = await CoordinatorRig.of(5);
    const server = await rig.server();
    const token = await rig.during(server.on.granted('a', grantee('h')));
    for (const number of [1, 2]) rig.redis(number).keys.delete(KEY);
    for (const number of [4, 5]) rig.redis(number).pause();
    expect(await rig.during(server.on.extend('a', 'h', token))).to.equal('unknown');
    for (const number of [4, 5]) rig.redis(number).resume();
    await rig.pass(200);
    expect(await rig.during(server.on.extend('a', 'h', token))).to.equal('renewed');
  });
});
