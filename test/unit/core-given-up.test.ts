import { expect } from 'chai';
import type { ResumedLease, ResumeEntry } from '../../server/src/core/frames.js';
import { CoreRig, type HandClient, hash, request } from '../support/core-rig.js';

const TTL_MS = 10_000;
/** How long the store takes, where that matters. */
const STORE_MS = 20;

/** A client that holds something, and gives it up while it has no stream. */
class Leaver {
  lease = 0;
  readonly #secrets = ['h1'];

  private constructor(
    readonly rig: CoreRig,
    readonly client: HandClient,
  ) {}

  static async begin(rig: CoreRig): Promise<Leaver> {
    const leaver = new Leaver(rig, await rig.client('leaver'));
    leaver.lease = leaver.client.acquire('r', { ttlMs: TTL_MS, hash: hash('h1') });
    await rig.clock.settle();
    return leaver;
  }

  /** Comes back on another stream, and wants its lease no more. */
  comesBack(): void {
    const secret = `h${this.#secrets.length + 1}`;
    const earlierHashes = this.#secrets.map(hash);
    this.#secrets.push(secret);
    const given = request('r', { ttlMs: TTL_MS, hash: hash(secret), earlierHashes });
    const entry: ResumeEntry = { claim: 'given_up', requestId: this.lease, request: given };
    this.client.cut();
    this.client.moveTo(this.rig, [entry]);
  }

  /** What it was told of its lease on its last stream, and on those before. */
  get told(): readonly ResumedLease['outcome'][] {
    return this.client.all('resumed').flatMap(({ leases }) => leases.map(({ outcome }) => outcome));
  }

  get isStored(): boolean {
    return [...this.rig.store.storedLeases()].length > 0;
  }
}

const [several, one] = [(): CoreRig => CoreRig.several(2)[0] ?? new CoreRig(), (): CoreRig => new CoreRig()];

describe('core: a lease that is given up while its client is away', () => {
  for (const [where, made] of [
    ['with several servers', several],
    ['with one server', one],
  ] as const) {
    it(`is said to be released when the store has said so, ${where} (S6)`, async () => {
      const leaver = await Leaver.begin(made());
      const { rig } = leaver;
      rig.store.answerDelayMs = () => STORE_MS;
      leaver.comesBack();
      await rig.clock.advance(STORE_MS - 1);
      expect(leaver.told).to.deep.equal([]);
      await rig.clock.advance(2);
      expect(leaver.told).to.deep.equal(['released']);
      expect(leaver.isStored).to.equal(false);
    });

    it(`is unknown when the store cannot say, ${where}, and released when it is asked for again (S6)`, async () => {
      const leaver = await Leaver.begin(made());
      const { rig } = leaver;
      rig.store.unavailable = true;
      leaver.comesBack();
      await rig.clock.settle();
      expect(leaver.told).to.deep.equal(['unknown']);
      expect(leaver.isStored).to.equal(true);
      rig.store.unavailable = false;
      leaver.comesBack();
      await rig.clock.settle();
      expect(leaver.told).to.deep.equal(['unknown', 'released']);
      expect(leaver.isStored).to.equal(false);
    });

    it(`is told of once, on the stream that is there by then, ${where} (S5)`, async () => {
      const leaver = await Leaver.begin(made());
      const { rig } = leaver;
      rig.store.answerDelayMs = () => STORE_MS;
      leaver.comesBack();
      await rig.clock.advance(STORE_MS / 2);
      leaver.comesBack();
      await rig.clock.advance(3 * STORE_MS);
      expect(leaver.told).to.deep.equal(['released']);
      expect(leaver.isStored).to.equal(false);
    });
  }

  it('is released after its adoption, if that was under way still', async () => {
    const leaver = await Leaver.begin(one());
    const { rig } = leaver;
    const { leaseId, tokens } = leaver.client.answer('granted', leaver.lease);
    rig.store.answerDelayMs = () => STORE_MS;
    leaver.client.cut();
    const again = request('r', { ttlMs: TTL_MS, hash: hash('h2'), earlierHashes: [hash('h1')] });
    const held = { claim: 'held', requestId: leaver.lease, leaseId, token: tokens[0] ?? 0n, request: again } as const;
    leaver.client.moveTo(rig, [held]);
    await rig.clock.advance(STORE_MS / 2);
    leaver.comesBack();
    await rig.clock.advance(STORE_MS);
    expect(leaver.told).to.deep.equal([]);
    await rig.clock.advance(STORE_MS);
    expect(leaver.told).to.deep.equal(['released']);
    expect(leaver.isStored).to.equal(false);
  });

  it('has no other answer where the server knows no more of it than a place in the queue', async () => {
    const [first, second] = CoreRig.several(2) as [CoreRig, CoreRig];
    await second.client('somebody');
    const other = await second.client('other');
    const others = other.acquire('r', { ttlMs: TTL_MS });
    await first.clock.settle();
    const client = await first.client('leaver');
    const wants = { ttlMs: TTL_MS, waitMs: 600_000 };
    const id = client.acquire('r', { ...wants, hash: hash('h1') });
    await first.clock.settle();
    client.cut();
    const open = request('r', { ...wants, hash: hash('h2'), earlierHashes: [hash('h1')] });
    client.moveTo(second, [{ claim: 'open', requestId: id, request: open }]);
    await first.clock.settle();
    other.release(others);
    await first.clock.settle();
    expect(client.answer('granted', id)).to.not.equal(undefined);
    client.cut();
    first.store.unavailable = true;
    const given = request('r', { ttlMs: TTL_MS, hash: hash('h3'), earlierHashes: [hash('h1'), hash('h2')] });
    client.moveTo(first, [{ claim: 'given_up', requestId: id, request: given }]);
    await first.clock.settle();
    expect(client.all('denied'), 'which would say that nothing is left of it').to.have.length(0);
    expect(client.all('resumed').at(-1)?.leases).to.deep.equal([{ requestId: id, outcome: 'unknown' }]);
  });
});
