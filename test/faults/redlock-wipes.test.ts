import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import type { RedisServer } from '../support/redis-server.js';
import {
  FaultRig,
  type FaultServer,
  lockKey,
  MAX_TTL_MS,
  PATIENCE_MS,
  quarantineOf,
} from '../support/redlock/fault-rig.js';

const ADMISSION = 'holdfast\0test\0adm';

describe('faults: Redis nodes that forget', function () {
  this.timeout(40_000);
  let rig: FaultRig;
  beforeEach(async () => {
    rig = await FaultRig.start();
  });
  afterEach(() => rig.finish());

  for (const flushed of [[3], [2, 4]]) {
    it(`C9: FLUSHALL on ${flushed.length} of 5 loses nothing: the lease is put back, grants go on, they wait`, async () => {
      const server = await rig.firstServer();
      const holding = await rig.hold(server, 'r');
      const before = await rig.values('r');
      const flushedMs = performance.now();
      await flush(rig, flushed);
      expect(await holding.extend()).to.equal('renewed');
      holding.keep();
      await rig.stands('r', 5, quarantineOf() / 2);
      expect(await rig.values('r')).to.deep.equal(before);
      await rig.hold(server, 'other', MAX_TTL_MS, quarantineOf() / 2);
      for (const number of flushed) expect(server.node(number).state).to.equal('quarantined');
      for (const number of flushed) await admission(rig.redis(number));
      expect(performance.now() - flushedMs).to.be.greaterThan(quarantineOf());
      expect(await holding.extend()).to.equal('renewed');
      await rig.stands('r', 5);
    });
  }

  for (const flushed of [
    [1, 2, 5],
    [1, 2, 3, 4, 5],
  ]) {
    it(`C9: FLUSHALL on ${flushed.length} of 5: nothing is granted until q has passed (I1, I3)`, async () => {
      const servers = [await rig.firstServer(), await rig.nextServer()];
      const [first, second] = servers as [FaultServer, FaultServer];
      const holding = await rig.hold(first, 'r');
      const flushedMs = performance.now();
      await flush(rig, flushed);
      const contended = Promise.all(servers.map((server) => rig.hold(server, 'free')));
      expect(await holding.extend()).to.equal('lost');
      await rig.hold(second, 'r');
      expect(performance.now() - flushedMs).to.be.greaterThan(quarantineOf());
      expect(rig.beliefs.judged.figures.marginMs).to.be.greaterThan(0);
      for (const { sinceMs } of await contended) expect(sinceMs - flushedMs).to.be.greaterThan(quarantineOf());
    });
  }

  it('C5: a holder on {A,B,x} whose x restarts empty stays the only one, whoever can reach x, D and E (I1, I3)', async () => {
    const { contender } = await heldByThree(rig);
    await rig.redis(3).restart({ empty: true });
    await contender.sees(3, 'quarantined');
    await rig.hold(contender, 'r', TTL_MS);
    const { figures, violations } = rig.beliefs.judged;
    expect(violations).to.deep.equal([]);
    expect(figures.marginMs).to.be.greaterThan(0);
  });

  it('C6, control of C5: if x is admitted at once by somebody else there is a second holder', async () => {
    const { contender } = await heldByThree(rig);
    await rig.redis(3).restart({ empty: true });
    await contender.sees(3, 'quarantined');
    await admitByHand(rig.redis(3));
    await contender.sees(3, 'admitted');
    await rig.hold(contender, 'r', TTL_MS);
    const { figures, violations } = rig.beliefs.judged;
    expect(violations.join()).to.match(/S1\/I3 at .* both hold r .* for up to \d+ µs/);
    expect(figures.overlapMs).to.be.greaterThan(0);
    await rig.beliefs.forget();
  });

  it('C10: a deleted lock key, or ballot, at a minority is put back with the next extension', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    const before = await rig.values('r');
    await Promise.all(rig.redises(1, 4).map(({ client }) => client.del(lockKey('r'), `${lockKey('r')}\0b`)));
    expect((await rig.attempt(server, 'r')).kind).to.equal('held');
    expect(await holding.extend()).to.equal('renewed');
    holding.keep();
    await eventually(PATIENCE_MS, 'the lease as it was', async () => {
      return String(await rig.values('r')) === String(before) || undefined;
    });
    const ballots = await Promise.all(rig.redises(1, 4).map(({ client }) => client.get(`${lockKey('r')}\0b`)));
    for (const ballot of ballots) expect(BigInt(ballot ?? 0)).to.satisfy((there: bigint) => there >= holding.token);
  });

  it('C22: one lease outlives five empty restarts, one node after another, and keeps its token', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    const value = (await rig.values('r'))[0];
    holding.keep();
    for (const number of [1, 2, 3, 4, 5]) {
      const restartedMs = performance.now();
      await rig.redis(number).restart({ empty: true });
      await admission(rig.redis(number));
      expect(performance.now() - restartedMs).to.be.greaterThan(quarantineOf());
      await server.sees(number, 'admitted');
      expect(holding.alive).to.equal(true);
    }
    expect(await rig.values('r')).to.deep.equal(Array(5).fill(value));
    expect(value).to.match(new RegExp(`:${holding.token}$`));
    expect((await rig.attempt(server, 'r')).kind).to.equal('held');
  });

  it('C24: two servers that time one quarantine begin it anew after a second wipe', async () => {
    const servers = [await rig.firstServer(), await rig.nextServer()];
    await flush(rig, [2]);
    const leftMs = (server: FaultServer): number => server.node(2).quarantineLeftMs ?? Number.POSITIVE_INFINITY;
    await eventually(
      PATIENCE_MS,
      'most of the wait',
      () => servers.every((server) => leftMs(server) < quarantineOf() / 4) || undefined,
    );
    const wipedMs = performance.now();
    await flush(rig, [2]);
    await admission(rig.redis(2));
    expect(performance.now() - wipedMs).to.be.greaterThan(quarantineOf());
    for (const server of servers) await server.sees(2, 'admitted');
  });
});

/** Long enough for a restart within it. */
const TTL_MS = 2_500;

/** A lease on nodes 1, 2 and 3 alone, and a server of somebody else that reaches all nodes. */
async function heldByThree(rig: FaultRig) {
  const changes = { maxTtlMs: TTL_MS };
  const server = await rig.firstServer(changes, [4, 5]);
  const contender = await rig.nextServer(changes);
  for (const number of [4, 5]) {
    server.way(number).cut(true);
    await server.sees(number, 'unavailable');
  }
  await rig.hold(server, 'r', TTL_MS);
  expect((await rig.values('r')).map((value) => value !== null)).to.deep.equal([true, true, true, false, false]);
  return { contender };
}

function flush(rig: FaultRig, numbers: readonly number[]): Promise<unknown> {
  return Promise.all(rig.redises(...numbers).map(({ client }) => client.flushall()));
}

/** Resolves when a node has an admission. */
async function admission({ client, port }: RedisServer): Promise<void> {
  await eventually(PATIENCE_MS, `the admission of the node at ${port}`, async () => {
    return (await client.exists(ADMISSION)) === 1 || undefined;
  });
}

/** What a quarantine is there to prevent: an admission for a node that has waited for nothing. */
async function admitByHand({ client }: RedisServer): Promise<void> {
  const info = await client.info();
  const field = (name: string): string => new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1] ?? '';
  await client.set(ADMISSION, `${field('run_id')}:${field('master_replid')}`, 'PX', 60_000);
}
