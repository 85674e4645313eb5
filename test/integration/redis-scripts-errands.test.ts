import { expect } from 'chai';
import type { ErrandOutcome, NodeErrand, NodeStanding } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { bid, bookkeeping, nextValue, tokenOf } from '../support/redis-entries.js';
import { CONFIGURATION, NodeRig, SETTINGS } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const KEY = 'holdfast:default:lock:orders/42';
const OTHER = { hash: 'decaf', generation: 1 };
const MARK = { kind: 'mark', nonce: 'n1' } as const;
const DECLARE = { kind: 'declare', nonce: 'n1', configuration: CONFIGURATION, maxTtlMs: 60_000 } as const;
const CONFIRM = { kind: 'confirm', configuration: CONFIGURATION, maxTtlMs: 60_000 } as const;

describe('the bookkeeping of a Redis node', () => {
  let redis: RedisServer;
  let rig: NodeRig;

  before(async () => {
    redis = await startRedis();
    rig = await NodeRig.verified(redis.url);
  });
  after(async () => {
    await rig?.node.close();
    await redis?.stop();
  });
  beforeEach(() => redis.client.flushall());

  async function done(errand: NodeErrand): Promise<{ outcome: ErrandOutcome; standing: NodeStanding }> {
    const reply = await rig.errand(errand);
    if (reply.kind === 'fault') throw new Error(reply.fault.message);
    return reply;
  }
  const outcomeOf = async (errand: NodeErrand): Promise<ErrandOutcome> => (await done(errand)).outcome;
  const admission = (): Promise<number> => redis.client.pttl(bookkeeping('adm'));

  it('says how an empty node stands', async () => {
    const { standing, outcome } = await done({ kind: 'pulse' });
    expect(outcome).to.deep.equal({ kind: 'pulse' });
    expect(standing).to.deep.include({ admitted: false, configuration: undefined });
    expect(standing.nowUs).to.equal(standing.clockUs);
    expect(standing.clockUs / 1_000).to.be.closeTo(Date.now(), 60_000);
  });

  it('keeps an admission from expiring, and never makes one', async () => {
    await done({ kind: 'pulse' });
    expect(await admission()).to.equal(-2);
    await rig.declare();
    await redis.client.pexpire(bookkeeping('adm'), 10_000);
    expect((await done({ kind: 'pulse' })).standing.admitted).to.equal(true);
    expect(await admission()).to.be.within(SETTINGS.admissionMs - 5_000, SETTINGS.admissionMs);
    await redis.client.set(bookkeeping('adm'), 'another life', 'PX', 10_000);
    expect((await done({ kind: 'pulse' })).standing.admitted).to.equal(false);
    expect(await admission()).to.be.at.most(10_000);
  });

  it('confirms a configuration: claimed, equal, other; and keeps the greatest time to live of those who may grant', async () => {
    const answer = (said: string, greatestTtlMs: number) => ({ kind: 'confirm', answer: said, greatestTtlMs });
    const first = await done(CONFIRM);
    expect(first.outcome).to.deep.equal(answer('claimed', 60_000));
    expect(first.standing.configuration).to.deep.equal(CONFIGURATION);
    expect(await outcomeOf({ ...CONFIRM, maxTtlMs: 10_000 })).to.deep.equal(answer('equal', 60_000));
    expect(await outcomeOf({ ...CONFIRM, maxTtlMs: 90_000 })).to.deep.equal(answer('equal', 90_000));
    const other = { ...CONFIRM, configuration: OTHER, maxTtlMs: 100_000 };
    expect(await outcomeOf(other)).to.deep.equal(answer('other', 90_000));
    expect((await done({ kind: 'pulse' })).standing.configuration).to.deep.equal(CONFIGURATION);
  });

  it('admits for the nonce of the mark only, and takes the mark away', async () => {
    const admit = { kind: 'admit', nonce: 'n1', configuration: CONFIGURATION } as const;
    expect(await outcomeOf(admit)).to.deep.equal({ kind: 'admit', admitted: false });
    expect(await outcomeOf({ kind: 'mark', nonce: 'n1' })).to.deep.equal({ kind: 'mark', nonce: 'n1' });
    expect(await outcomeOf({ kind: 'mark', nonce: 'n2' })).to.deep.equal({ kind: 'mark', nonce: 'n1' });
    expect(await outcomeOf({ ...admit, nonce: 'n2' })).to.deep.equal({ kind: 'admit', admitted: false });
    const admitted = await done(admit);
    expect(admitted).to.deep.include({ outcome: { kind: 'admit', admitted: true } });
    expect(admitted.standing).to.deep.include({ admitted: true, configuration: CONFIGURATION });
    expect(await admission()).to.be.within(SETTINGS.admissionMs - 5_000, SETTINGS.admissionMs);
    expect(await redis.client.exists(bookkeeping('mark'))).to.equal(0);
    expect(await outcomeOf({ kind: 'mark', nonce: 'n3' })).to.deep.equal({ kind: 'mark', nonce: undefined });
    await done({ kind: 'unadmit' });
    expect(await outcomeOf(admit)).to.deep.equal({ kind: 'admit', admitted: false });
  });

  it('admits nobody under another configuration', async () => {
    await done({ ...CONFIRM, configuration: OTHER });
    await done({ kind: 'mark', nonce: 'n1' });
    const admit = { kind: 'admit', nonce: 'n1', configuration: CONFIGURATION } as const;
    expect(await outcomeOf(admit)).to.deep.equal({ kind: 'admit', admitted: false });
  });

  it('begins the wait anew for another identity, and after an admission was taken away', async () => {
    await redis.client.set(bookkeeping('mark'), 'another life\u0000n0');
    expect(await outcomeOf({ kind: 'mark', nonce: 'n1' })).to.deep.equal({ kind: 'mark', nonce: 'n1' });
    const { standing } = await done({ kind: 'unadmit' });
    expect(standing.admitted).to.equal(false);
    expect(await outcomeOf({ kind: 'mark', nonce: 'n2' })).to.deep.equal({ kind: 'mark', nonce: 'n2' });
  });

  it('declares a new cluster where servers have done no more than wait', async () => {
    await done(CONFIRM);
    await done(MARK);
    expect(await outcomeOf({ kind: 'census' })).to.deep.equal({ kind: 'census', found: [] });
    const { outcome, standing } = await done(DECLARE);
    expect(outcome).to.deep.equal({ kind: 'declare', admitted: true });
    expect(standing).to.deep.include({ admitted: true, configuration: CONFIGURATION });
    expect(await redis.client.exists(bookkeeping('mark'))).to.equal(0);
    expect(await outcomeOf(DECLARE)).to.deep.equal({ kind: 'declare', admitted: false });
  });

  it('declares nothing for a mark that has been wiped, or is of another wait', async () => {
    await done(MARK);
    await redis.client.flushall();
    expect(await outcomeOf(DECLARE)).to.deep.equal({ kind: 'declare', admitted: false });
    await done({ kind: 'mark', nonce: 'n2' });
    expect(await outcomeOf(DECLARE)).to.deep.equal({ kind: 'declare', admitted: false });
    expect(await redis.client.exists(bookkeeping('cfg'), bookkeeping('ttl'))).to.equal(0);
  });

  it('declares nothing where there has been a cluster', async () => {
    for (const [name, text] of [
      ['adm', 'another life'],
      ['now', '1'],
      ['cfg', 'decaf/1'],
    ] as const) {
      await redis.client.flushall();
      await done(MARK);
      await redis.client.set(bookkeeping(name), text);
      expect(await outcomeOf(DECLARE), name).to.deep.equal({ kind: 'declare', admitted: false });
      expect(await outcomeOf({ kind: 'census' })).to.deep.equal({ kind: 'census', found: [`holdfast main ${name}`] });
    }
  });

  it('finds locks and ballots among many other keys, three at most', async () => {
    const others = Array.from({ length: 5_000 }, (_, index) => [`other:${index}`, 'x']).flat();
    await redis.client.mset(...others);
    expect(await outcomeOf({ kind: 'census' })).to.deep.equal({ kind: 'census', found: [] });
    await redis.client.set(`${KEY}\u0000b`, '1');
    expect(await outcomeOf({ kind: 'census' })).to.deep.equal({ kind: 'census', found: [`${KEY} b`] });
    for (const name of ['a', 'b', 'c', 'd']) await redis.client.set(`holdfast:ns:lock:${name}`, 'x');
    const outcome = await outcomeOf({ kind: 'census' });
    expect(outcome.kind === 'census' && outcome.found).to.have.length(3);
  });

  it('resets what a wipe would forget, and leaves the locks', async () => {
    await rig.declare();
    const values = Array.from({ length: 250 }, () => nextValue());
    for (let page = 0; page < 10; page += 1) {
      await rig.votes('acquire', ...values.map((value, index) => bid(`${KEY}/${page}/${index}`, value)));
    }
    const { outcome, standing } = await done({ kind: 'reset' });
    expect(outcome).to.deep.equal({ kind: 'reset', forgottenKeys: 2_502 });
    expect(standing.admitted).to.equal(false);
    const [first] = values;
    if (first === undefined) throw new Error('no value');
    expect(await redis.client.exists(bookkeeping('adm'), bookkeeping('now'))).to.equal(0);
    expect(await redis.client.dbsize()).to.equal(2_502);
    const vote = await rig.vote('extend', { key: `${KEY}/0/0`, value: first, expiryMs: 1_000 });
    expect(vote).to.deep.equal({ kind: 'ok' });
    expect(tokenOf(first)).to.be.greaterThan(0);
  });
});
