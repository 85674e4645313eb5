import { expect } from 'chai';
import { Admission, type AdmissionTerms } from '../../server/src/store/redlock/coordinator/admission.js';
import { quarantineMs } from '../../server/src/store/redlock/coordinator/settings.js';
import { MembershipRig, QUICK } from '../support/redlock/membership-rig.js';
import { redlockSettings } from '../support/redlock/model-settings.js';

const STANDING = { nowUs: 0, clockUs: 0, configuration: undefined };

describe('the admission of one node', () => {
  const settings = redlockSettings(QUICK);
  const asked: number[] = [];
  const terms: AdmissionTerms = { greatestTtlMs: 0, mayAdmit: (sinceMs) => asked.push(sinceMs) > 0 };
  const waitMs = quarantineMs(settings, 0);
  const begun = (): Admission => {
    const admission = new Admission(settings, { bytes: (count) => new Uint8Array(count) });
    admission.done({ kind: 'mark', nonce: 'a' }, 1_000);
    return admission;
  };
  /** The mark is read again by then. */
  const read = (admission: Admission, nonce: string, atMs: number): string | undefined => {
    admission.done({ kind: 'mark', nonce }, atMs);
    return admission.next(atMs, terms)?.kind;
  };

  it('counts from the first sight of the nonce it reads, and of no other', () => {
    const admission = begun();
    expect(read(admission, 'a', 1_000 + waitMs - 1)).to.equal(undefined);
    expect(read(admission, 'a', 1_000 + waitMs)).to.equal('admit');
    expect(asked, 'as of the end of the wait').to.deep.equal([1_000 + waitMs]);
    expect(read(admission, 'b', 1_000 + waitMs)).to.equal(undefined);
    expect(read(admission, 'a', 1_001 + waitMs), 'forgotten meanwhile').to.equal(undefined);
    expect(admission.leftMs(1_001 + waitMs, 0)).to.equal(waitMs);
  });

  it('reads the mark again while it waits', () => {
    expect(begun().next(1_999, terms)).to.equal(undefined);
    expect(begun().next(2_000, terms)?.kind).to.equal('mark');
  });

  it('believes nothing of a node until it has taken away the admission it distrusts', () => {
    const admission = begun();
    admission.seen({ ...STANDING, admitted: true });
    admission.distrust();
    admission.seen({ ...STANDING, admitted: true });
    expect(admission.admitted).to.equal(false);
    expect(admission.next(5_000, terms)?.kind).to.equal('unadmit');
    admission.done({ kind: 'unadmit' }, 5_001);
    expect(admission.next(5_001, terms)?.kind).to.equal('mark');
  });

  it('knows nothing of another process', () => {
    const admission = begun();
    admission.seen({ ...STANDING, admitted: true });
    admission.begin();
    expect(admission.admitted).to.equal(false);
  });
});

describe('the admission of nodes', () => {
  it('waits the whole quarantine at the first boot', async () => {
    const rig = new MembershipRig();
    const server = rig.server();
    await rig.world.advance(rig.waitMs - 100);
    expect(server.votes()).to.not.include(true);
    expect(server.membership.obstacle()).to.match(/^redis-1 is quarantined for another 1 s, redis-2/);
    await rig.until(() => server.votes().every(Boolean), 500);
    expect(server.membership.obstacle()).to.equal(undefined);
    expect(server.count('node_quarantined')).to.equal(5);
    expect(server.count('node_admitted')).to.equal(5);
  });

  it('is immediate for a cluster declared new, and only for that', async () => {
    const rig = new MembershipRig();
    const server = rig.server();
    await rig.world.advance(50);
    rig.redis(3).keys.set('holdfast:default:lock:old', 'x');
    expect(await rig.during(server.membership.declareNew())).to.deep.equal({
      kind: 'refused',
      message: 'redis-4 is not empty: holdfast:default:lock:old',
    });
    expect(rig.redises.every(({ keys }) => !keys.keys().some((key) => key.includes('admission')))).to.equal(true);
    rig.redis(3).wipe();
    rig.redis(1).stop();
    await rig.world.advance(50);
    expect(await rig.during(server.membership.declareNew())).to.include({ kind: 'refused' });
    rig.redis(1).start('empty');
    await rig.world.advance(300);
    expect(await rig.during(server.membership.declareNew())).to.include({ kind: 'done' });
    expect(server.votes()).to.deep.equal([true, true, true, true, true]);
    for (const redis of rig.redises) redis.wipe();
    await rig.world.advance(1_500);
    expect(await rig.during(server.membership.declareNew())).to.include({ kind: 'refused' });
    expect(server.votes()).to.not.include(true);
  });

  it('begins its wait anew with every wipe, whoever times it', async () => {
    const rig = new MembershipRig();
    const [first, second] = [await rig.ready(), rig.server()];
    await rig.world.advance(1_000);
    expect(second.votes()).to.deep.equal([true, true, true, true, true]);
    rig.redis(0).wipe();
    await rig.world.advance(rig.waitMs - 300);
    expect([first.votes()[0], second.votes()[0]]).to.deep.equal([false, false]);
    rig.redis(0).wipe();
    const wipedMs = rig.world.nowMs();
    await rig.until(() => first.votes()[0] === true || second.votes()[0] === true, 2 * rig.waitMs);
    expect(rig.world.nowMs() - wipedMs).to.be.at.least(rig.waitMs);
    await rig.until(() => first.votes()[0] === true && second.votes()[0] === true, 1_500);
  });

  it('begins its wait anew when the node is restarted, even with what it kept', async () => {
    for (const memory of ['empty', 'kept'] as const) {
      const rig = new MembershipRig();
      const server = await rig.ready();
      rig.redis(2).restart(memory);
      await rig.world.advance(400);
      expect(server.votes()).to.deep.equal([true, true, false, true, true]);
      const tookMs = await rig.until(() => server.votes()[2] === true, 2 * rig.waitMs);
      expect(tookMs).to.be.at.least(rig.waitMs - 500);
    }
  });

  it('sees another history of the same process when the facts are read again', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    rig.redis(2).changeHistory();
    rig.redis(2).recheck();
    await rig.world.advance(50);
    expect(server.votes()).to.deep.equal([true, true, false, true, true]);
  });

  it('lapses when no server refreshed it for long enough', async () => {
    const rig = new MembershipRig(3, { admissionMs: 10_000 });
    const server = await rig.ready();
    await rig.world.advance(30_000);
    expect(server.votes(), 'refreshed all the time').to.deep.equal([true, true, true]);
    await server.membership.close();
    await rig.world.advance(9_000);
    const early = rig.server();
    await rig.world.advance(500);
    expect(early.votes()).to.deep.equal([true, true, true]);
    await early.membership.close();
    await rig.world.advance(10_001);
    const late = rig.server();
    await rig.world.advance(rig.waitMs - 100);
    expect(late.votes()).to.deep.equal([false, false, false]);
    await rig.until(() => late.votes().every(Boolean), 500);
  });

  it('is refreshed under a load that leaves no pause for a pulse', async () => {
    const rig = new MembershipRig(3, { admissionMs: 10_000 });
    const server = await rig.ready();
    for (let passedMs = 0; passedMs < 30_000; passedMs += 20) {
      server.holdLeases();
      await rig.world.advance(20);
    }
    expect(server.votes()).to.deep.equal([true, true, true]);
    expect(server.count('node_quarantined')).to.equal(0);
  });

  it('waits as long as the longest lease of any server, also of one that comes later', async () => {
    const rig = new MembershipRig();
    const short = rig.server();
    await rig.world.advance(1_000);
    const long = rig.server({ maxTtlMs: 4_000 });
    await rig.world.advance(100);
    await long.membership.close();
    const longWaitMs = quarantineMs(rig.settings, 4_000);
    const tookMs = await rig.until(() => short.votes().includes(true), 3 * longWaitMs);
    expect(tookMs + 1_100).to.be.within(longWaitMs, longWaitMs + 200);
  });

  it('admits nobody while too few nodes agree on the configuration', async () => {
    const rig = new MembershipRig();
    for (const index of [2, 3, 4]) rig.redis(index).stop();
    const server = rig.server();
    await rig.world.advance(2 * rig.waitMs);
    expect(server.votes()).to.not.include(true);
    expect(server.membership.confirmed()).to.equal(false);
    rig.redis(2).start('empty');
    await rig.until(() => server.votes()[0] === true && server.votes()[1] === true, 1_500);
    expect(server.membership.obstacle()).to.match(
      /^2 of 5 nodes unreachable: redis-4 refused the connection, redis-5 .*; redis-3 is quarantined for another \d s$/,
    );
  });

  it('makes one node forget on order, and waits for it', async () => {
    const rig = new MembershipRig();
    const server = await rig.ready();
    expect(await rig.during(server.membership.reset('redis-9'))).to.include({ kind: 'refused' });
    expect(await rig.during(server.membership.reset('redis-2'))).to.deep.equal({
      kind: 'done',
      message: 'redis-2 forgot 1 keys and is quarantined for 4 s',
    });
    await rig.world.advance(50);
    expect(server.votes()).to.deep.equal([true, false, true, true, true]);
    const [, report] = server.membership.report();
    expect(report).to.include({ id: 'redis-2', state: 'quarantined', version: 'redis 7.0.15' });
    expect(report?.quarantineLeftMs).to.be.within(2_900, rig.waitMs);
    expect(report?.clockOffsetMs).to.be.within(-1, 1);
    expect(report?.roundTripMs).to.be.within(0.4, 0.6);
  });
});
