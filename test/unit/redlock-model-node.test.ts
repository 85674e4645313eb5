import { expect } from 'chai';
import type { Hash } from '../../server/src/core/names.js';
import {
  type BatchReply,
  type BatchVerb,
  type BatchVerbs,
  type ErrandReply,
  type LockValue,
  lockValue,
  type NodeErrand,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { ModelNode } from '../support/redlock/model-node.js';
import { ModelRedis } from '../support/redlock/model-redis.js';
import { redlockSettings } from '../support/redlock/model-settings.js';
import { VirtualClock } from '../support/virtual-clock.js';

const KEY = 'holdfast:default:lock:a';
const ONE = '1'.repeat(32) as Hash;
const TWO = '2'.repeat(32) as Hash;

class Rig {
  readonly clock = new VirtualClock();
  readonly redis = new ModelRedis(this.clock, 'redis-1');
  readonly settings = redlockSettings();
  readonly node = new ModelNode(this.redis, this.settings);
  readonly heard: string[] = [];

  async open(): Promise<this> {
    this.node.open({
      verified: () => this.heard.push('verified'),
      down: ({ kind }) => this.heard.push(`down ${kind}`),
      released: () => this.heard.push('released'),
      wanted: () => this.heard.push('wanted'),
    });
    await this.clock.advance(1);
    return this;
  }

  async admitted(): Promise<this> {
    await this.open();
    const nonce = 'the first';
    await this.errand({ kind: 'mark', nonce });
    await this.errand({ kind: 'declare', nonce, configuration: this.settings.configuration, maxTtlMs: 30_000 });
    return this;
  }

  async errand(errand: NodeErrand): Promise<ErrandReply | undefined> {
    let got: ErrandReply | undefined;
    this.node.errand(errand, (reply) => {
      got = reply;
    });
    await this.clock.advance(1);
    return got;
  }

  async one<V extends BatchVerb>(verb: V, entry: BatchVerbs[V]['entry']): Promise<BatchVerbs[V]['vote'] | undefined> {
    let got: BatchReply<V> | undefined;
    this.node.batch({ verb, entries: [entry] }, (reply) => {
      got = reply;
    });
    await this.clock.advance(1);
    return got?.kind === 'votes' ? got.votes[0] : undefined;
  }

  acquire(value: LockValue, extra: Partial<BatchVerbs['acquire']['entry']> = {}) {
    return this.one('acquire', { key: KEY, value, expiryMs: 1_000, earlierHashes: [], waitingSinceUs: 0, ...extra });
  }

  now(): number {
    return this.redis.clockUs;
  }
}

describe('the model of a Redis node', () => {
  it('accepts rising tokens within its window, one holder at a time', async () => {
    const rig = await new Rig().admitted();
    const t = rig.now();
    expect(await rig.acquire(lockValue(ONE, t))).to.deep.equal({ kind: 'ok' });
    expect(await rig.acquire(lockValue(TWO, t + 1))).to.include({ kind: 'held', value: lockValue(ONE, t) });
    expect(await rig.acquire(lockValue(TWO, t + 1), { earlierHashes: [ONE] })).to.deep.equal({
      kind: 'mine',
      hash: ONE,
      token: t,
    });
    await rig.clock.advance(1_001);
    expect(await rig.acquire(lockValue(TWO, t))).to.deep.equal({ kind: 'low', ballot: t });
    const windowUs = rig.settings.windowMs * 1_000;
    expect(await rig.acquire(lockValue(TWO, rig.now() + windowUs + 10_000))).to.deep.equal({ kind: 'ahead' });
    expect(await rig.acquire(lockValue(TWO, rig.now() - windowUs - 10_000))).to.deep.equal({ kind: 'behind' });
    expect(await rig.acquire(lockValue(TWO, rig.now()))).to.deep.equal({ kind: 'ok' });
  });

  it('keeps a late acquire out with a tombstone, and asks once who the holder is', async () => {
    const rig = await new Rig().admitted();
    const t = rig.now();
    const gone = { key: KEY, values: [lockValue(ONE, t)], tombstone: t, waitingSinceUs: 0 };
    expect(await rig.one('release', gone)).to.deep.equal({ kind: 'gone' });
    expect(await rig.acquire(lockValue(ONE, t))).to.deep.equal({ kind: 'low', ballot: t + 1 });
    const held = lockValue(ONE, t + 2);
    await rig.acquire(held);
    await rig.acquire(lockValue(TWO, t + 3), { waitingSinceUs: t });
    await rig.one('introduce', { key: KEY, value: held, holder: 'invoicer' });
    expect(await rig.acquire(lockValue(TWO, t + 3), { waitingSinceUs: t })).to.include({
      kind: 'held',
      holder: 'invoicer',
    });
    expect(await rig.one('release', { key: KEY, values: [held], tombstone: t + 2, waitingSinceUs: 0 })).to.deep.equal({
      kind: 'released',
      wanted: false,
    });
    expect(rig.heard).to.deep.equal(['verified', 'wanted']);
  });

  it('raises, swaps and puts back, and never shortens', async () => {
    const rig = await new Rig().admitted();
    const t = rig.now();
    const [old, young] = [lockValue(ONE, t), lockValue(TWO, t)];
    await rig.acquire(old);
    await rig.one('extend', { key: KEY, value: old, expiryMs: 10 });
    expect(rig.redis.keys.expiresInMs(KEY)).to.be.within(990, 1_000);
    expect(await rig.one('adopt', { key: KEY, presented: [old], value: young, expiryMs: 5_000 })).to.include({
      kind: 'ok',
    });
    expect(await rig.one('extend', { key: KEY, value: old, expiryMs: 9_000 })).to.deep.equal({ kind: 'lost' });
    const later = lockValue(ONE, rig.now());
    expect(await rig.one('hand_off', { key: KEY, from: [young], value: later, expiryMs: 1_000 })).to.deep.equal({
      kind: 'ok',
      how: 'swapped',
      wanted: false,
    });
    rig.redis.keys.delete(KEY);
    const missing = await rig.one('extend', { key: KEY, value: later, expiryMs: 1_000 });
    const ballot = missing?.kind === 'missing' ? missing.ballot : undefined;
    const repair = { key: KEY, value: later, token: ballot ?? 0, ballot, notAfterUs: rig.now() + 500_000 };
    expect(await rig.one('repair', { ...repair, ballot: undefined })).to.deep.equal({ kind: 'refused' });
    expect(await rig.one('repair', repair)).to.deep.equal({ kind: 'ok' });
    expect(rig.redis.keys.expiresInMs(KEY)).to.be.within(495, 500);
  });

  it('votes only while admitted, and waits anew after a wipe', async () => {
    const rig = await new Rig().open();
    const { configuration } = rig.settings;
    const bid = () => rig.acquire(lockValue(ONE, rig.now()));
    expect(await bid()).to.equal(undefined);
    await rig.errand({ kind: 'mark', nonce: 'first' });
    rig.redis.wipe();
    expect(await rig.errand({ kind: 'mark', nonce: 'second' })).to.nested.include({ 'outcome.nonce': 'second' });
    expect(await rig.errand({ kind: 'mark', nonce: 'third' })).to.nested.include({ 'outcome.nonce': 'second' });
    expect(await rig.errand({ kind: 'admit', nonce: 'first', configuration })).to.nested.include({
      'outcome.admitted': false,
    });
    expect(await rig.errand({ kind: 'admit', nonce: 'second', configuration })).to.nested.include({
      'outcome.admitted': true,
      'standing.admitted': true,
    });
    rig.redis.keys.delete('\u0000configuration');
    expect(await bid()).to.equal(undefined);
    await rig.errand({ kind: 'confirm', configuration, maxTtlMs: 30_000 });
    expect(await bid()).to.deep.equal({ kind: 'ok' });
    rig.redis.restart('kept');
    expect(await bid()).to.equal(undefined);
    await rig.clock.advance(200);
    expect(await rig.errand({ kind: 'pulse' })).to.nested.include({ 'standing.admitted': false });
    expect(rig.heard).to.deep.equal(['verified', 'down unreachable', 'verified']);
  });

  it('runs what waited for a stopped process, and loses what is cut', async () => {
    const rig = await new Rig().admitted();
    rig.redis.pause();
    const t = rig.now();
    expect(await rig.acquire(lockValue(ONE, t))).to.equal(undefined);
    rig.node.reconnect();
    await rig.clock.advance(10);
    rig.redis.resume();
    expect(rig.redis.keys.get(KEY)).to.equal(lockValue(ONE, t));
    await rig.clock.advance(300);
    rig.node.cut('replies');
    const given = { key: KEY, values: [lockValue(ONE, t)], tombstone: t, waitingSinceUs: 0 };
    expect(await rig.one('release', given)).to.equal(undefined);
    expect(rig.redis.keys.has(KEY)).to.equal(false);
  });

  it('forgets no token before its own time has passed it, however far its clock went back (S2)', async () => {
    const rig = await new Rig().admitted();
    const aheadMs = 3_600_000;
    rig.redis.stepClock(aheadMs);
    await rig.errand({ kind: 'mark', nonce: 'n' });
    await rig.errand({ kind: 'admit', nonce: 'n', configuration: rig.settings.configuration });
    expect(await rig.acquire(lockValue(ONE, rig.now()))).to.deep.equal({ kind: 'ok' });
    const late = rig.now() + 1_000_000;
    rig.redis.stepClock(-aheadMs);
    await rig.clock.advance(1_100);
    rig.redis.sweep();
    expect(await rig.acquire(lockValue(TWO, late), { key: `${KEY}b` })).to.deep.equal({ kind: 'ok' });
    await rig.clock.advance(aheadMs - 1_500);
    rig.redis.sweep();
    expect(await rig.acquire(lockValue(ONE, late - 1), { key: `${KEY}b` })).to.deep.equal({
      kind: 'low',
      ballot: late,
    });
  });

  it('loses ballots to a clock that runs ahead, even if it comes back', async () => {
    const rig = await new Rig().admitted();
    await rig.acquire(lockValue(ONE, rig.now()));
    rig.redis.stepClock(601_000);
    rig.redis.sweep((key) => key.includes('ballot'));
    rig.redis.stepClock(-601_000);
    expect(await rig.one('extend', { key: 'other', value: lockValue(ONE, 1), expiryMs: 1 })).to.deep.equal({
      kind: 'missing',
      ballot: undefined,
    });
    expect(await rig.errand({ kind: 'pulse' })).to.nested.include({ 'standing.admitted': true });
    expect(rig.redis.keys.keys().filter((key) => key.includes('ballot'))).to.deep.equal([]);
  });
});
