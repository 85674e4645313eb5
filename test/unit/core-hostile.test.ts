import { expect } from 'chai';
import type { ClientFrame, ResumeEntry } from '../../server/src/core/frames.js';
import type { LeaseId } from '../../server/src/core/names.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { CoreRig, type HandClient, hash, request } from '../support/core-rig.js';

const RUNS = 1000;
const STEPS = 60;
const NAMES = ['a', 'b'];

type Said = Parameters<HandClient['say']>[0];

/** A client that says anything at any time, as long as it can be decoded. */
class Chaos {
  readonly #random: SeededRandom;
  readonly #rig = new CoreRig();
  readonly #clients: HandClient[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  async run(): Promise<void> {
    for (const name of ['x', 'y', 'z']) this.#clients.push(await this.#rig.client(name));
    for (let step = 0; step < STEPS; step += 1) await this.#step();
    for (const client of this.#clients) client.cut();
    await this.#rig.clock.advance(200_000);
    expect(this.#rig.core.sizes()).to.deep.equal({
      sessionsAttached: 0,
      sessionsDetached: 0,
      leases: 0,
      waiters: 0,
      resources: 0,
      timers: 0,
    });
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const client = random.pick(this.#clients);
    const dice = random.unit();
    if (dice < 0.07) client.cut();
    else if (dice < 0.22) this.#reopen(client);
    else if (dice < 0.25) this.#rig.store.unavailable = random.chance(0.3);
    else if (dice < 0.3) this.#rig.store.answerDelayMs = () => (random.chance(0.5) ? 0 : random.between(0, 3_000));
    else client.say(this.#anything());
    if (random.chance(0.5)) await this.#rig.clock.advance(random.between(0, random.chance(0.1) ? 20_000 : 500));
  }

  #reopen(client: HandClient): void {
    const resume = this.#random.chance(0.8);
    client.open(resume);
    if (!resume) return;
    const frames = this.#random.chance(0.2) ? 2 : 1;
    for (let left = frames; left > 0; left -= 1) {
      const entries = Array.from({ length: Math.floor(this.#random.between(0, 4)) }, () => this.#entry());
      client.resume(entries, left === 1);
    }
  }

  /** Ids, secrets and tokens come from few values, so that they often are somebody's. */
  #entry(): ResumeEntry {
    const granted = this.#clients.flatMap((client) => client.all('granted'));
    const requestId = this.#id();
    const claimed = request(this.#random.pick(NAMES), {
      waitMs: Math.floor(this.#random.between(0, 5_000)),
      ttlMs: 10_000,
      hash: this.#hash(),
      earlierHashes: [this.#hash(), this.#hash()],
    });
    const lease = granted.length === 0 ? undefined : this.#random.pick(granted);
    const dice = this.#random.unit();
    if (dice < 0.4 && lease !== undefined) {
      const own = this.#random.chance(0.7) ? lease.id : requestId;
      return { claim: 'held', requestId: own, leaseId: lease.leaseId, token: lease.tokens[0] ?? 0n, request: claimed };
    }
    if (dice < 0.45) {
      const leaseId = '01890000-0000-7000-8000-00000000ffff' as LeaseId;
      return { claim: 'held', requestId, leaseId, token: 7n, request: claimed };
    }
    return { claim: dice < 0.8 ? 'open' : 'given_up', requestId, request: claimed };
  }

  #anything(): Said {
    const random = this.#random;
    const requestId = this.#id();
    const kinds: readonly ClientFrame['kind'][] = [
      'acquire',
      'acquire',
      'release',
      'cancel',
      'extend',
      'heartbeat',
      'close',
      'held_list',
      'resume',
    ];
    const kind = random.pick(kinds);
    switch (kind) {
      case 'acquire': {
        const waitMs = random.chance(0.3) ? 0 : Math.floor(random.between(0, 8_000));
        const ttlMs = random.chance(0.5) ? 1_000 : 10_000;
        return { kind, request: request(random.pick(NAMES), { waitMs, ttlMs, hash: this.#hash() }) };
      }
      case 'release':
      case 'cancel':
      case 'extend':
        return { kind, requestId };
      case 'heartbeat':
        return {
          kind,
          pushSeen: Math.floor(random.between(0, 6)),
          heldCount: Math.floor(random.between(0, 3)),
          heldHash: 0n,
        };
      case 'held_list':
        return { kind, heartbeatId: this.#id(), requestIds: [requestId, this.#id()], last: random.chance(0.8) };
      case 'resume':
        return { kind, entries: [this.#entry()], last: true };
      default:
        return random.chance(0.1) ? { kind: 'close' } : { kind: 'cancel', requestId };
    }
  }

  #id(): number {
    return Math.floor(this.#random.between(1, 30));
  }

  #hash(): ReturnType<typeof hash> {
    return hash(`secret ${Math.floor(this.#random.between(0, 6))}`);
  }
}

describe('core: clients that say anything', () => {
  it(`never break a guarantee or leave anything behind, over ${RUNS} seeds`, async () => {
    for (let seed = 1; seed <= RUNS; seed += 1) {
      try {
        await new Chaos(seed).run();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  }).timeout(120_000);

  it('keeps a session that resumes nothing while it still waits, and lets its next resume in', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    holder.acquire('r');
    const waiter = await rig.client('waiter');
    waiter.acquire('r', { waitMs: 60_000 });
    waiter.cut();
    waiter.open(false);
    await rig.clock.settle();
    expect(rig.core.sizes()).to.include({ sessionsAttached: 2, sessionsDetached: 0, waiters: 0 });
  });

  it('gives a lease to whoever proves it under another id, and tells the one who had it', async () => {
    const rig = new CoreRig();
    const first = await rig.client('first');
    const id = first.acquire('r', { hash: hash('s1') });
    await rig.clock.settle();
    const { leaseId, tokens } = first.answer('granted', id);
    const second = await rig.client('second');
    second.open(true);
    const claim = request('r', { hash: hash('s2'), earlierHashes: [hash('s1')] });
    const resume = second.resume([{ claim: 'held', requestId: 1, leaseId, token: tokens[0] ?? 0n, request: claim }]);
    await rig.clock.settle();
    expect(second.answer('resumed', resume).leases[0]).to.include({ requestId: 1, outcome: 'held' });
    expect(first.all('lost').map(({ reason }) => reason)).to.deep.equal(['displaced']);
    expect(rig.core.sizes().leases).to.equal(1);
  });

  it('gives back what is adopted for a request that its client meanwhile claims never to have had', async () => {
    const rig = new CoreRig();
    const client = await rig.client('a');
    const id = client.acquire('r', { hash: hash('s1') });
    await rig.clock.settle();
    const { leaseId, tokens } = client.answer('granted', id);
    rig.store.answerDelayMs = () => 100;
    const again = { hash: hash('s2'), earlierHashes: [hash('s1')], waitMs: 5_000 };
    client.open(true);
    client.resume([{ claim: 'held', requestId: id, leaseId, token: tokens[0] ?? 0n, request: request('r', again) }]);
    client.open(true);
    const third = { hash: hash('s3'), earlierHashes: [hash('s1'), hash('s2')], waitMs: 5_000 };
    client.resume([{ claim: 'open', requestId: id, request: request('r', third) }]);
    await rig.clock.advance(1_000);
    expect(client.all('granted').filter((frame) => frame.id === id)).to.have.length(2);
    expect(rig.core.sizes()).to.include({ leases: 1, resources: 1 });
  });
});
