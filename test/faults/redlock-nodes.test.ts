import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import type { Attempt } from '../support/redlock/beliefs.js';
import { FaultRig, MAX_TTL_MS, NODE_DEADLINE_MS, PATIENCE_MS, quarantineOf } from '../support/redlock/fault-rig.js';

/** So long that what vanishes much sooner was deleted and did not expire. */
const LONG_TTL_MS = 10_000;
/** What a loaded machine may add to a call. */
const SLACK_MS = 1_000;

describe('faults: Redis nodes killed, paused and restarted', function () {
  this.timeout(30_000);
  let rig: FaultRig;
  beforeEach(async () => {
    rig = await FaultRig.start();
  });
  afterEach(() => rig.finish());

  for (const killed of [[2], [2, 4]]) {
    it(`C1: with ${killed.length} of 5 killed leases go on and are granted`, async () => {
      const server = await rig.firstServer();
      const holding = await rig.hold(server, 'kept');
      holding.keep();
      await Promise.all(rig.redises(...killed).map((redis) => redis.kill()));
      const other = await rig.hold(server, 'other');
      expect(await other.extend()).to.equal('renewed');
      expect(await other.release()).to.equal('released');
      for (const number of killed) await server.sees(number, 'unavailable');
      expect(await holding.extend()).to.equal('renewed');
      expect(holding.alive).to.equal(true);
    });
  }

  it('C2: with 3 of 5 killed nothing is granted, in words that name them, and all is well when one is back (I10, I11)', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    await Promise.all(rig.redises(1, 3, 5).map((redis) => redis.kill()));
    rig.beliefs.uncertain('3 nodes killed', ['r', 'another']);
    const words = /^3 of 5 nodes unreachable: redis-1 \w.*, redis-3 \w.*, redis-5 \w.*/;
    const message = await rig.refusal(server, 'r', words);
    expect(message).to.match(/redis-1 (refused|closed|reset) the connection/);
    expect(await rig.refusal(server, 'another', words)).to.be.a('string');
    expect(await holding.extend()).to.equal('unknown');
    await eventually(PATIENCE_MS, 'the end of the lease by its own deadline', () => !holding.alive || undefined);
    const restartedMs = performance.now();
    const recoveryMs = quarantineOf() + PATIENCE_MS;
    rig.beliefs.certain('3 nodes killed', ['r'], recoveryMs);
    await rig.redis(3).restart({ empty: true });
    await rig.hold(server, 'r', MAX_TTL_MS, recoveryMs);
    expect(performance.now() - restartedMs).to.be.greaterThan(quarantineOf());
  });

  it('C3: two paused nodes cost nobody more than one node deadline, and late acquires leave no key (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS });
    const first = await rig.hold(server, 'before', LONG_TTL_MS);
    for (const redis of rig.redises(2, 5)) redis.pause();
    const tookMs: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const startMs = performance.now();
      const holding = await rig.hold(server, `r${round}`, LONG_TTL_MS);
      tookMs.push(performance.now() - startMs);
      await holding.release();
    }
    expect(Math.max(...tookMs)).to.be.lessThan(NODE_DEADLINE_MS + SLACK_MS);
    expect(median(tookMs)).to.be.lessThan(NODE_DEADLINE_MS / 3);
    expect(await first.extend()).to.equal('renewed');
    for (const redis of rig.redises(2, 5)) redis.resume();
    // What was released while they stood still, and what they run late, is gone long before it would expire.
    for (let round = 0; round < 20; round += 1) await rig.stands(`r${round}`, 0, LONG_TTL_MS / 4);
    await rig.stands('before', 5);
  });

  it('C3, C4: a bid that failed because three nodes stood still leaves no key when they run it late (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS });
    for (const redis of rig.redises(1, 2, 3)) redis.pause();
    const startMs = performance.now();
    const attempts = await Promise.all([1, 2, 3].map((each) => rig.attempt(server, `r${each}`, LONG_TTL_MS)));
    expect(performance.now() - startMs).to.be.lessThan(NODE_DEADLINE_MS + SLACK_MS);
    for (const attempt of attempts) expectRefused(attempt, /timed out|has not answered for some time/);
    for (const redis of rig.redises(1, 2, 3)) redis.resume();
    for (const each of [1, 2, 3]) await rig.stands(`r${each}`, 0, LONG_TTL_MS / 4);
    const holding = await rig.hold(server, 'r1', LONG_TTL_MS, LONG_TTL_MS / 4);
    holding.keep();
    await rig.stands('r1', 5);
    expect(await holding.extend()).to.equal('renewed');
  });

  it('C3: a node that is paused until it is connected to anew runs what was sent before, and nothing comes of it (I6)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS });
    for (const redis of rig.redises(1, 2, 3)) redis.pause();
    expectRefused(await rig.attempt(server, 'r', LONG_TTL_MS), /timed out/);
    await eventually(
      PATIENCE_MS,
      'the end of its patience',
      () => server.node(1).detail.includes('is connected to anew') || undefined,
    );
    for (const redis of rig.redises(1, 2, 3)) redis.resume();
    const holding = await rig.hold(server, 'r', LONG_TTL_MS, LONG_TTL_MS / 2);
    for (const number of [1, 2, 3]) await server.sees(number, 'admitted', LONG_TTL_MS / 2);
    holding.keep();
    expect(await holding.extend()).to.equal('renewed');
    await rig.stands('r', 5);
    const value = (await rig.values('r'))[4];
    expect(await rig.values('r')).to.deep.equal(Array(5).fill(value));
  });

  it('C4: whenever a node is paused, before or after it has voted, two servers never grant at once (I1, I3)', async () => {
    const servers = [await rig.firstServer(), await rig.nextServer()];
    const loads = servers.map((server) => rig.load(server, 'r', MAX_TTL_MS / 2));
    for (let round = 0; round < 15; round += 1) {
      const redis = rig.redis((round % 5) + 1);
      const before = rig.beliefs.grants;
      redis.pause();
      await eventually(PATIENCE_MS, 'grants meanwhile', () => rig.beliefs.grants > before + 2 || undefined);
      redis.resume();
    }
    await Promise.all(loads.map((load) => load.stop()));
    for (const { grants } of loads) expect(grants).to.be.greaterThan(5);
  });
});

describe('faults: Redis nodes that keep their data', function () {
  this.timeout(30_000);
  let rig: FaultRig;
  beforeEach(async () => {
    rig = await FaultRig.start(5, {
      directives: [
        ['appendonly', 'yes'],
        ['appendfsync', 'always'],
      ],
    });
  });
  afterEach(() => rig.finish());

  it('C7: one restarted with its data waits all the same', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    const restartedMs = performance.now();
    await rig.redis(2).restart();
    await server.sees(2, 'quarantined');
    await server.sees(2, 'admitted');
    expect(performance.now() - restartedMs).to.be.greaterThan(quarantineOf());
    expect(await holding.extend()).to.equal('renewed');
    await rig.stands('r', 5);
  });

  it('C7: all restarted with their data have the leases that are still valid, and grant nothing until q has passed', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS, windowMs: 300 });
    const holding = await rig.hold(server, 'r', LONG_TTL_MS);
    await Promise.all(rig.redises(1, 2, 3, 4, 5).map((redis) => redis.restart()));
    await rig.refusal(server, 'other', /redis-1 is quarantined for another \d+ s/);
    await eventually(PATIENCE_MS, 'an extension', async () => (await holding.extend()) === 'renewed' || undefined);
    await rig.stands('r', 5);
    expect(holding.alive).to.equal(true);
  });

  it('C18: after SCRIPT FLUSH the scripts are loaded anew, and nobody waits', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    const toldBefore = server.events.length;
    await Promise.all(rig.redises(1, 2, 3, 4, 5).map(({ client }) => client.script('FLUSH')));
    const flushedMs = performance.now();
    await rig.hold(server, 'other');
    expect(performance.now() - flushedMs).to.be.lessThan(quarantineOf() / 2);
    for (let number = 1; number <= 5; number += 1) await server.sees(number, 'admitted', quarantineOf() / 2);
    expect(await holding.extend()).to.equal('renewed');
    expect(server.events.slice(toldBefore).filter(({ kind }) => kind === 'node_quarantined')).to.deep.equal([]);
  });
});

function expectRefused(attempt: Attempt, words: RegExp): void {
  expect(attempt.kind).to.equal('unavailable');
  if (attempt.kind === 'unavailable') expect(attempt.message).to.match(words);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
