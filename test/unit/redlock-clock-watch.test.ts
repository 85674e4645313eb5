import { expect } from 'chai';
import { offsetInterval } from '../../server/src/store/redlock/coordinator/node-clock.js';
import { MembershipRig } from '../support/redlock/membership-rig.js';

const ALL = [true, true, true, true, true];

describe('the clock watch', () => {
  it('bounds a node offset by when its answer was asked for and received', () => {
    expect(offsetInterval(5_000_000, 1_000, 1_010)).to.deep.equal({ lowMs: 3_990, highMs: 4_000 });
  });

  it('takes the vote of a node whose clock ran ahead and came back', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    server.holdLeases();
    await rig.world.advance(200);
    rig.redis(1).stepClock(601_000);
    rig.redis(1).sweep((key) => key.includes('ballot'));
    await rig.world.advance(300);
    rig.redis(1).stepClock(-601_000);
    await rig.world.advance(100);
    expect(server.votes()).to.deep.equal([true, false, true, true, true]);
    expect(server.count('self_suspected')).to.equal(0);
    const shifts = server.events.flatMap((event) => (event.kind === 'clock_shifted' ? [Math.round(event.byMs)] : []));
    expect(shifts).to.deep.equal([601_000, -601_000]);
    expect(rig.redis(1).keys.keys().join()).to.not.contain('admission');
    const tookMs = await rig.until(() => server.votes()[1] === true, 2 * rig.waitMs);
    expect(tookMs).to.be.at.least(rig.waitMs - 200);
  });

  it('notices within 100 ms while there are leases, within a second otherwise', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    rig.redis(1).stepClock(-200);
    expect(await rig.until(() => !server.votes()[1], 2_000)).to.be.at.most(1_010);
    server.holdLeases();
    await rig.world.advance(50);
    rig.redis(2).stepClock(200);
    expect(await rig.until(() => !server.votes()[2], 2_000)).to.be.at.most(105);
  });

  it('lets small steps and fast clocks pass, but not what adds up', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    server.holdLeases();
    rig.redis(1).stepClock(80);
    await rig.world.advance(100);
    expect(server.votes()).to.deep.equal(ALL);
    rig.redis(1).stepClock(80);
    await rig.world.advance(200);
    expect(server.votes()).to.deep.equal([true, false, true, true, true]);
  });

  it('holds a suspect without a vote until the others have been asked', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    for (const node of server.nodes) node.replyMs = () => 40;
    server.nodes[1]?.reconnect();
    await rig.world.advance(300);
    if (server.nodes[1] !== undefined) server.nodes[1].replyMs = () => 0.25;
    await rig.world.advance(1_500);
    rig.redis(1).stepClock(5_000);
    await rig.until(() => !server.votes()[1], 2_000, 1);
    expect(server.count('clock_shifted')).to.equal(0);
    expect(server.membership.report()[1]?.detail).to.contain('is being checked');
    await rig.world.advance(200);
    expect(server.count('clock_shifted')).to.equal(1);
  });

  it('suspects the server when all nodes seem to move alike, and blames nobody', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    server.holdLeases();
    await rig.world.advance(200);
    server.nodes.forEach((node, index) => {
      node.replyMs = () => 0.25 + 3 * index;
    });
    server.clock.shift(-150);
    const before = rig.world.nowMs();
    await rig.until(() => server.membership.obstacle() !== undefined, 500, 1);
    expect(server.membership.obstacle()).to.match(/^this server is being checked/);
    await rig.until(() => server.membership.obstacle() === undefined, 1_000, 1);
    expect(rig.world.nowMs() - before).to.be.at.most(400);
    expect(server.kinds()).to.deep.equal(['self_suspected', 'self_trusted']);
    expect(server.votes()).to.deep.equal(ALL);
  });

  it('blames two nodes that moved alike when three others did not', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    server.holdLeases();
    await rig.world.advance(200);
    rig.redis(1).stepClock(200_000);
    rig.redis(3).stepClock(200_000);
    await rig.world.advance(300);
    expect(server.kinds()).to.include('self_suspected');
    expect(server.count('clock_shifted')).to.equal(2);
    expect(server.votes()).to.deep.equal([true, false, true, false, true]);
    expect(server.membership.obstacle()).to.equal(undefined);
  });

  it('suspects the server after a stall, with answers in its buffers', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    server.holdLeases();
    await rig.world.advance(200);
    server.holdLeases();
    server.clock.stall();
    await rig.world.advance(150);
    server.clock.goOn();
    expect(server.membership.obstacle()).to.match(/^this server is being checked/);
    expect(server.membership.mayVote(0), 'what was asked before may still be counted').to.equal(true);
    await rig.world.advance(50);
    expect(server.membership.obstacle()).to.equal(undefined);
    expect(server.kinds()).to.deep.equal(['self_suspected', 'self_trusted']);
    expect(server.votes()).to.deep.equal(ALL);
  });

  it('makes a node wait anew whose clock is set back while it waits', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    rig.redis(0).wipe();
    await rig.world.advance(rig.waitMs - 500);
    rig.redis(0).stepClock(-3_000);
    const tookMs = await rig.until(() => server.votes()[0] === true, 3 * rig.waitMs);
    expect(tookMs).to.be.at.least(rig.waitMs);
  });

  it('judges a single node by itself', async () => {
    const rig = new MembershipRig(1);
    const server = await rig.ready();
    rig.redis(0).stepClock(-1_000);
    await rig.until(() => server.count('clock_shifted') === 1, 2_100);
    expect(server.votes()).to.deep.equal([false]);
  });

  it('does not mind what time it is on the host of another process', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    rig.redis(1).stop();
    rig.redis(1).stepClock(5_000);
    rig.redis(1).start('empty');
    await rig.world.advance(1_500);
    expect(server.membership.report()[1]?.state).to.equal('quarantined');
    expect(server.count('clock_shifted')).to.equal(0);
  });

  it('tells the median of the clocks, of those it knows', async () => {
    const rig = new MembershipRig(4);
    const server = await rig.ready();
    const [a, b] = [rig.redis(0), rig.redis(3)];
    expect(server.membership.medianUs()).to.be.closeTo(a.clockUs, 1_000);
    a.stepClock(60);
    b.stepClock(60);
    await rig.world.advance(1_200);
    expect(server.membership.medianUs()).to.be.closeTo(rig.redis(1).clockUs + 30_000, 2_000);
    for (const redis of rig.redises) redis.stop();
    await rig.world.advance(10);
    expect(server.membership.medianUs()).to.equal(undefined);
  });
});
