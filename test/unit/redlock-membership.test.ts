import { expect } from 'chai';
import { Membership } from '../../server/src/store/redlock/coordinator/membership.js';
import { countErrands, MembershipRig } from '../support/redlock/membership-rig.js';
import { ModelNode } from '../support/redlock/model-node.js';

describe('the membership', () => {
  it('grants nothing while a node belongs to another configuration', async () => {
    const rig = new MembershipRig();
    await rig.ready();
    const stranger = rig.server({ configuration: { hash: 'ff'.repeat(16), generation: 1 } });
    await rig.world.advance(2 * rig.waitMs);
    expect(stranger.membership.confirmed()).to.equal(false);
    const obstacle = stranger.membership.obstacle();
    expect(obstacle).to.contain(rig.settings.configuration.hash).and.to.contain('ff'.repeat(16));
    expect(stranger.count('configuration_conflict')).to.equal(1);
    expect(rig.redis(0).keys.keys().join()).to.not.contain('mark');
  });

  it('stops granting when one node turns to a newer generation', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    const { hash } = rig.settings.configuration;
    rig.redis(4).keys.set('\u0000configuration', `${hash}/2`);
    await rig.world.advance(1_100);
    expect(server.membership.obstacle()).to.contain('generation 2').and.to.contain('reconfigured');
    expect(server.membership.confirmed()).to.equal(false);
    rig.redis(4).keys.set('\u0000configuration', `${hash}/1`);
    await rig.world.advance(1_100);
    expect(server.membership.obstacle()).to.equal(undefined);
  });

  it('refuses two addresses of one Redis', async () => {
    const rig = new MembershipRig(3);
    const [a, b] = [rig.redis(0), rig.redis(1)];
    const world = rig.world;
    const fatal: string[] = [];
    const nodes = [a, b, a].map((redis) => new ModelNode(redis, rig.settings));
    const membership = new Membership(rig.settings, nodes, {
      clock: world,
      random: { bytes: (count) => new Uint8Array(count), unit: () => 0.5 },
      events: { event: () => undefined, fatal: (problem) => fatal.push(problem) },
      cameBack: () => undefined,
      trusted: () => undefined,
      released: () => undefined,
      wanted: () => undefined,
    });
    membership.open();
    await world.advance(2 * rig.waitMs);
    expect(fatal).to.deep.equal([
      'redis-1 and redis-1 are one and the same Redis: each node must be a process of its own',
    ]);
    expect(membership.obstacle()).to.equal(fatal[0]);
    expect(membership.mayVote(1)).to.equal(false);
  });

  it('says who is missing, and does without a minority', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    rig.redis(3).pause();
    rig.redis(4).refuse({ kind: 'refused_password', message: 'refused the password' });
    await rig.world.advance(1_500);
    expect(server.membership.obstacle()).to.equal(undefined);
    rig.redis(0).wipe();
    await rig.world.advance(1_200);
    expect(server.membership.obstacle()).to.match(
      /^2 of 5 nodes unreachable: redis-4 timed out after 300 ms, redis-5 refused the password; redis-1 is quarantined for another \d s$/,
    );
    expect(server.membership.report().map(({ state }) => state)).to.deep.equal([
      'quarantined',
      'admitted',
      'admitted',
      'unavailable',
      'unavailable',
    ]);
  });

  it('counts a node that answers everything with a fault as down, until it does its work again (C13)', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    const failing = [0, 1, 2].map((index) => rig.redis(index));
    for (const redis of failing) redis.failing = { kind: 'cannot_persist', message: 'takes no writes' };
    await rig.until(() => server.membership.obstacle() !== undefined, 1_500);
    expect(server.membership.obstacle()).to.equal(
      '3 of 5 nodes unreachable: redis-1 takes no writes, redis-2 takes no writes, redis-3 takes no writes',
    );
    expect(server.membership.report().map(({ state }) => state)).to.deep.equal([
      'unavailable',
      'unavailable',
      'unavailable',
      'admitted',
      'admitted',
    ]);
    expect(server.count('node_down')).to.equal(3);
    for (const redis of failing) redis.failing = undefined;
    await rig.until(() => server.membership.obstacle() === undefined, 1_500);
    expect(server.count('node_up')).to.equal(3);
  });

  it('names the missing nodes rather than itself when too few are left to check it', async () => {
    const rig = new MembershipRig(3);
    const server = await rig.ready();
    rig.redis(0).stop();
    rig.redis(1).stop();
    server.holdLeases();
    await rig.world.advance(50);
    server.clock.stall();
    await rig.world.advance(500);
    server.clock.goOn();
    await rig.world.advance(500);
    expect(server.kinds()).to.include('self_suspected');
    expect(server.membership.obstacle()).to.match(/^2 of 3 nodes unreachable: redis-1 /);
  });

  it('suspects itself also after it has stood still in the midst of asking its nodes (C25)', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    server.holdLeases();
    await rig.world.advance(10);
    const [node] = server.nodes;
    if (node === undefined) throw new Error('there is no node');
    const ask = node.errand.bind(node);
    node.errand = (errand, answered) => {
      rig.world.stall(150);
      node.errand = ask;
      ask(errand, answered);
    };
    await rig.world.advance(500);
    expect(server.kinds()).to.deep.equal(['self_suspected', 'self_trusted']);
  });

  it('needs more than half of an even number', async () => {
    const rig = new MembershipRig(4);
    const server = await rig.ready();
    expect(server.membership.quorum).to.equal(3);
    rig.redis(0).stop();
    await rig.world.advance(10);
    expect(server.membership.obstacle()).to.equal(undefined);
    rig.redis(1).stop();
    await rig.world.advance(10);
    expect(server.membership.obstacle()).to.match(/^2 of 4 nodes unreachable/);
  });

  it('connects anew to a node that has been silent for three seconds', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    const [node] = server.nodes;
    node?.cut('replies');
    await rig.until(() => server.count('node_down') === 1, 1_500);
    expect(server.votes()[0], 'connected and admitted as last seen').to.equal(true);
    node?.heal();
    await rig.world.advance(2_000);
    expect(server.votes()[0], 'that connection stays silent').to.equal(true);
    expect(server.membership.report()[0]?.state).to.equal('unavailable');
    await rig.until(() => server.membership.report()[0]?.state === 'admitted', 2_000);
    expect(server.count('node_up')).to.equal(1);
  });

  it('asks every node at least every 100 ms while there are leases, and every second otherwise', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    const node = server.nodes[0];
    if (node === undefined) throw new Error('there is no node');
    const pulses = countErrands(node, 'pulse');
    await rig.world.advance(10_000);
    expect(pulses()).to.be.within(9, 12);
    const idle = pulses();
    server.holdLeases();
    await rig.world.advance(1_000);
    expect(pulses() - idle).to.be.within(10, 14);
    await rig.world.advance(2_000);
    const after = pulses();
    await rig.world.advance(5_000);
    expect(pulses() - after, 'no lease can be left').to.be.within(4, 7);
  });

  it('asks nothing any more once it is closed', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    await server.membership.close();
    await rig.world.advance(500);
    const calls = server.nodes.map((node) => node.callsMade);
    await rig.world.advance(5_000);
    expect(server.nodes.map((node) => node.callsMade)).to.deep.equal(calls);
    expect(server.membership.obstacle()).to.equal('this server is stopping');
    expect(rig.world.pending).to.equal(0);
  });
});
