import { expect } from 'chai';
import type { ResumeEntry } from '../../server/src/core/frames.js';
import { resource } from '../contract/store-bids.js';
import { CoreRig, type HandClient, hash, request } from '../support/core-rig.js';

const TTL_MS = 10_000;

/** Two servers on one store: a holder on the first, and somebody who waits there as well. */
class Move {
  lease = 0;
  waiting = 0;
  /** Secrets of the holder's lease so far. */
  readonly #secrets: string[] = ['h1'];

  private constructor(
    readonly first: CoreRig,
    readonly second: CoreRig,
    readonly holder: HandClient,
    readonly waiter: HandClient,
  ) {}

  static async begin(waits = true): Promise<Move> {
    const [first, second] = CoreRig.several(2) as [CoreRig, CoreRig];
    const move = new Move(first, second, await first.client('holder'), await first.client('waiter'));
    move.lease = move.holder.acquire('r', { ttlMs: TTL_MS, hash: hash('h1') });
    await first.clock.settle();
    if (waits) move.waiting = move.waiter.acquire('r', { ttlMs: TTL_MS, waitMs: 600_000 });
    await first.clock.settle();
    return move;
  }

  get token(): bigint {
    return this.holder.answer('granted', this.lease).tokens[0] ?? 0n;
  }

  /** The claim of a holder who comes with one more secret. */
  claim(): ResumeEntry {
    const secret = `h${this.#secrets.length + 1}`;
    const earlierHashes = this.#secrets.map(hash);
    this.#secrets.push(secret);
    const { leaseId } = this.holder.answer('granted', this.lease);
    return {
      ...{ claim: 'held', requestId: this.lease, leaseId, token: this.token },
      request: request('r', { ttlMs: TTL_MS, hash: hash(secret), earlierHashes }),
    };
  }

  /** Lets time pass in which everybody beats. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      await this.first.clock.advance(500);
      this.waiter.beat();
      this.holder.beat();
      await this.first.clock.settle();
    }
  }

  /** What the store has of the resource. */
  get stored(): { readonly hash: string; readonly token: bigint } | undefined {
    return [...this.first.store.storedLeases()][0];
  }
}

describe('core: a session that moves between servers', () => {
  for (const [how, cut] of [
    ['whose stream ended', true],
    ['whose stream seems to be there still', false],
  ] as const) {
    it(`B4b: keeps its lease from the queue of the server it left, ${how}, until it releases (L1)`, async () => {
      const move = await Move.begin();
      if (cut) move.holder.cut();
      move.holder.moveTo(move.second, [move.claim()]);
      await move.pass(3 * TTL_MS);
      expect(move.waiter.all('granted'), 'held all the while').to.have.length(0);
      expect(move.stored?.token).to.equal(move.token);
      expect(move.first.core.sizes(), 'what the first server knew has lapsed').to.include({ leases: 0, waiters: 1 });
      move.holder.release(move.lease);
      await move.first.clock.advance(250);
      const [token = 0n] = move.waiter.answer('granted', move.waiting).tokens;
      expect(token > move.token).to.equal(true);
    });
  }

  it('B4b: which releases at once leaves nobody waiting for the deadline the first server knew (L1)', async () => {
    const move = await Move.begin();
    move.holder.cut();
    move.holder.moveTo(move.second, [move.claim()]);
    await move.first.clock.settle();
    move.holder.release(move.lease);
    await move.first.clock.advance(250);
    expect(move.waiter.answer('granted', move.waiting).tokens[0]).to.not.equal(move.token);
    expect(move.first.telemetry.ends).to.deep.equal(['displaced']);
    expect(move.first.core.sizes()).to.include({ leases: 1, waiters: 0 });
  });

  it('is asked for at the store once it has no stream, also by a try and when no hint arrives', async () => {
    const move = await Move.begin(false);
    move.first.store.servers.hints = false;
    move.holder.cut();
    const early = move.waiter.acquire('r');
    await move.first.clock.settle();
    expect(move.waiter.answer('denied', early).reason).to.equal('held');
    move.holder.moveTo(move.second, [move.claim()]);
    await move.first.clock.settle();
    move.holder.release(move.lease);
    await move.first.clock.settle();
    const late = move.waiter.acquire('r', { ttlMs: TTL_MS });
    await move.first.clock.settle();
    expect(move.waiter.answer('granted', late)).to.not.equal(undefined);
  });

  it('keeps its lease when it comes back to the first server, bid for or not', async () => {
    const move = await Move.begin();
    move.first.store.answerDelayMs = () => 20;
    move.holder.cut();
    await move.first.clock.advance(5);
    move.holder.moveTo(move.first, [move.claim()]);
    await move.pass(2 * TTL_MS);
    expect(move.holder.all('resumed').flatMap(({ leases }) => leases.map(({ outcome }) => outcome))).to.deep.equal([
      'held',
    ]);
    expect(move.waiter.all('granted')).to.have.length(0);
    move.holder.release(move.lease);
    await move.first.clock.advance(40);
    expect(move.waiter.answer('granted', move.waiting)).to.not.equal(undefined);
  });

  it('learns that its lease is gone when it comes back while a bid that was granted is being answered', async () => {
    const move = await Move.begin();
    const { first, holder, waiter } = move;
    holder.cut();
    holder.moveTo(move.second, [move.claim()]);
    await first.clock.settle();
    first.store.answerDelayMs = () => 20;
    holder.release(move.lease);
    await first.clock.advance(1);
    holder.moveTo(first, [move.claim()]);
    await first.clock.advance(40);
    expect(waiter.answer('granted', move.waiting).tokens[0]).to.not.equal(move.token);
    expect(holder.all('resumed').at(-1)?.leases[0]?.outcome).to.equal('unknown');
    holder.released.clear();
    holder.beat();
    await first.clock.advance(40);
    expect(holder.all('lost').map(({ reason }) => reason)).to.deep.equal(['displaced']);
    expect(first.core.sizes()).to.include({ leases: 1, waiters: 0 });
  });

  it('holds what it was granted elsewhere while the first server still has it in its queue', async () => {
    const move = await Move.begin();
    const { waiter, holder, first, second } = move;
    const open = { claim: 'open', requestId: move.waiting } as const;
    const wants = { ttlMs: TTL_MS, waitMs: 600_000, hash: hash('w2'), earlierHashes: [hash('waiter 2')] };
    waiter.cut();
    waiter.moveTo(second, [{ ...open, request: request('r', wants) }]);
    await first.clock.settle();
    holder.release(move.lease);
    await first.clock.advance(250);
    const { leaseId, tokens } = waiter.answer('granted', move.waiting);
    waiter.cut();
    waiter.moveTo(first, [
      {
        ...{ claim: 'held', requestId: move.waiting, leaseId, token: tokens[0] ?? 0n },
        request: request('r', { ttlMs: TTL_MS, hash: hash('w3'), earlierHashes: [hash('waiter 2'), hash('w2')] }),
      },
    ]);
    await first.clock.settle();
    expect(waiter.all('resumed').at(-1)?.leases[0]?.outcome).to.equal('held');
    expect(waiter.all('denied'), 'one answer (S5)').to.have.length(0);
    expect(first.core.sizes()).to.include({ leases: 1, waiters: 0 });
    expect(move.stored).to.include({ token: tokens[0], hash: hash('w3') });
  });

  it('holds what it had extended elsewhere when the first server has just seen its own deadline pass', async () => {
    const move = await Move.begin(false);
    move.holder.cut();
    move.holder.moveTo(move.second, [move.claim()]);
    await move.pass(TTL_MS - 500);
    await move.first.clock.advance(520);
    move.holder.cut();
    move.holder.moveTo(move.first, [move.claim()]);
    await move.first.clock.settle();
    expect(move.holder.all('resumed').at(-1)?.leases[0]?.outcome).to.equal('held');
    expect(move.stored?.hash).to.equal(hash('h3'));
  });

  it('gives up a lease that was adopted elsewhere', async () => {
    const move = await Move.begin(false);
    const { holder, first, second } = move;
    holder.cut();
    holder.moveTo(second, [move.claim()]);
    await first.clock.settle();
    await givesUp(move);
  });

  it('gives up a lease that was granted anew elsewhere, under another token than is known here (S6)', async () => {
    const move = await Move.begin(false);
    const { holder, first, second, token } = move;
    holder.cut();
    second.store.release([{ resource: resource('r'), hashes: [hash('h1')], token }], () => undefined);
    await first.clock.settle();
    const wants = { ttlMs: TTL_MS, waitMs: 600_000, hash: hash('h2'), earlierHashes: [hash('h1')] };
    holder.moveTo(second, [{ claim: 'open', requestId: move.lease, request: request('r', wants) }]);
    await first.clock.settle();
    expect(move.stored?.token).to.not.equal(token);
    await givesUp(move);
  });

  it('gives up a lease that was granted elsewhere to what waits here', async () => {
    const move = await Move.begin(false);
    const { holder, first, second } = move;
    holder.release(move.lease);
    const other = await second.client('other');
    const others = other.acquire('r', { ttlMs: TTL_MS });
    await first.clock.settle();
    move.lease = holder.acquire('r', { ttlMs: TTL_MS, waitMs: 600_000, hash: hash('h1') });
    await first.clock.settle();
    holder.cut();
    const wants = { ttlMs: TTL_MS, waitMs: 600_000, hash: hash('h2'), earlierHashes: [hash('h1')] };
    holder.moveTo(second, [{ claim: 'open', requestId: move.lease, request: request('r', wants) }]);
    await first.clock.settle();
    other.release(others);
    await first.clock.settle();
    await givesUp(move);
  });
});

/** The holder comes back to the first server, and wants nothing any more of what the second gave it. */
async function givesUp(move: Move): Promise<void> {
  expect(move.stored?.hash).to.equal(hash('h2'));
  move.holder.cut();
  const givenUp = request('r', { ttlMs: TTL_MS, hash: hash('h3'), earlierHashes: [hash('h1'), hash('h2')] });
  move.holder.moveTo(move.first, [{ claim: 'given_up', requestId: move.lease, request: givenUp }]);
  await move.first.clock.settle();
  expect(move.holder.all('resumed').at(-1)?.leases[0]?.outcome).to.equal('released');
  expect(move.stored?.hash, 'released').to.equal(undefined);
}

describe('core: a release that is heard of while a bid is under way', () => {
  it('is remembered, and the bid made again at once when it is refused', async () => {
    const [first, second] = CoreRig.several(2) as [CoreRig, CoreRig];
    const holder = await first.client('holder');
    const waiter = await second.client('waiter');
    const held = holder.acquire('r', { ttlMs: TTL_MS });
    await first.clock.settle();
    const waiting = waiter.acquire('r', { waitMs: 60_000 });
    await first.clock.advance(5_000);
    waiter.beat();
    second.store.answerDelayMs = () => 50;
    first.store.servers.hints = false;
    await bidBegins(second);
    holder.release(held);
    await first.clock.settle();
    second.store.listener?.released(resource('r'));
    // One answer says that it was held, the next one that it is not.
    await first.clock.advance(2 * 50);
    expect(waiter.answer('granted', waiting)).to.not.equal(undefined);
  });

  it('lets a try that is refused be, and the waiter behind it go on at once', async () => {
    const [first, second] = CoreRig.several(2) as [CoreRig, CoreRig];
    const holder = await first.client('holder');
    const [trier, waiter] = [await second.client('trier'), await second.client('waiter')];
    const held = holder.acquire('r', { ttlMs: TTL_MS });
    await first.clock.settle();
    second.store.answerDelayMs = () => 50;
    first.store.servers.hints = false;
    const attempt = trier.acquire('r');
    const waiting = waiter.acquire('r', { waitMs: 60_000 });
    await first.clock.advance(10);
    holder.release(held);
    await first.clock.settle();
    second.store.listener?.released(resource('r'));
    await first.clock.advance(40);
    expect(trier.answer('denied', attempt).reason).to.equal('held');
    await first.clock.advance(50);
    expect(waiter.answer('granted', waiting)).to.not.equal(undefined);
  });
});

/** Lets time pass until the server asks its store for a resource. */
async function bidBegins({ clock, store }: CoreRig): Promise<void> {
  const { acquire } = store;
  let begun = false;
  store.acquire = (...args) => {
    begun = true;
    acquire.apply(store, args);
  };
  while (!begun) await clock.advance(1);
  store.acquire = acquire;
}
