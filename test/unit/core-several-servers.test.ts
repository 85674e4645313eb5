import { expect } from 'chai';
import { resource } from '../contract/store-bids.js';
import { CoreRig, type HandClient } from '../support/core-rig.js';

/** Who was granted, in order, over all servers. */
class Turns {
  readonly order: string[] = [];
  readonly #clients: { readonly rig: CoreRig; readonly client: HandClient; told: number }[] = [];

  add(rig: CoreRig, client: HandClient): void {
    this.#clients.push({ rig, client, told: 0 });
  }

  /** Notes new grants, and gives each back. */
  passOn(): void {
    for (const each of this.#clients) {
      const granted = each.client.all('granted');
      for (; each.told < granted.length; each.told += 1) {
        this.order.push(each.client.name);
        each.client.release(granted[each.told]?.id ?? 0);
      }
    }
  }

  /** The most hand-offs at other servers between two grants of one. A grant that follows another server's is none. */
  mostPassedOver(server: string): number {
    let [most, passedOver] = [0, 0];
    this.order.slice(0, this.order.lastIndexOf(server) + 1).forEach((name, index, order) => {
      if (name === server) passedOver = 0;
      else if (name === order[index - 1]) passedOver += 1;
      most = Math.max(most, passedOver);
    });
    return most;
  }
}

async function several(count: number, names: readonly string[]): Promise<[CoreRig[], HandClient[]]> {
  const rigs = CoreRig.several(count);
  const clients = await Promise.all(names.map((name, index) => (rigs[index] as CoreRig).client(name)));
  return [rigs, clients];
}

describe('core: several servers on one store', () => {
  it('tries again soon after a refusal, without any hint', async () => {
    const [[first = new CoreRig()], [holder, waiter]] = await several(2, ['A', 'B']);
    first.store.servers.hints = false;
    const held = holder?.acquire('r') ?? 0;
    await first.clock.settle();
    waiter?.acquire('r', { waitMs: 60_000 });
    await first.clock.advance(5_000);
    holder?.release(held);
    await first.clock.advance(199);
    expect(waiter?.all('granted')).to.have.length(1);
  });

  it('tries again at once when another server says that it released (L1)', async () => {
    const [[first = new CoreRig()], [holder, waiter]] = await several(2, ['A', 'B']);
    const held = holder?.acquire('r') ?? 0;
    await first.clock.settle();
    waiter?.acquire('r', { waitMs: 60_000 });
    await first.clock.advance(5_001);
    holder?.release(held);
    await first.clock.settle();
    expect(waiter?.all('granted')).to.have.length(1);
  });

  it('leaves a store alone that could not answer, whatever others release', async () => {
    const [[, second = new CoreRig()], [, waiter]] = await several(2, ['A', 'B']);
    second.store.unavailable = true;
    const id = waiter?.acquire('r', { waitMs: 60_000 });
    await second.clock.settle();
    second.store.unavailable = false;
    second.store.listener?.released(resource('r'));
    second.store.listener?.released(resource('unknown'));
    await second.clock.advance(249);
    expect(waiter?.all('granted')).to.have.length(0);
    await second.clock.advance(126);
    expect(waiter?.answer('granted', id ?? 0)).to.not.equal(undefined);
  });

  it('says that a resource is held as soon as the store can say so again', async () => {
    const [[first = new CoreRig(), second = new CoreRig()], [holder, waiter]] = await several(2, ['A', 'B']);
    holder?.acquire('r');
    await first.clock.settle();
    second.store.unavailable = true;
    waiter?.acquire('r', { waitMs: 60_000 });
    await first.clock.settle();
    second.store.unavailable = false;
    await first.clock.advance(500);
    const attempt = waiter?.acquire('r') ?? 0;
    await first.clock.settle();
    expect(waiter?.answer('denied', attempt).reason).to.equal('held');
  });

  it('introduces a holder to those whom another server refuses', async () => {
    const [[first = new CoreRig()], [holder, other]] = await several(2, ['A', 'B']);
    holder?.acquire('r');
    await first.clock.settle();
    const waiting = other?.acquire('r', { waitMs: 1_000 }) ?? 0;
    await first.clock.advance(1_001);
    const expected = { leaseId: undefined, clientName: 'A', heldMs: undefined };
    expect(other?.answer('queued', waiting).holder).to.deep.equal(expected);
    expect(other?.answer('denied', waiting)).to.deep.include({ reason: 'wait_expired', holder: expected });
    expect(first.store.introductions.map(({ clientName }) => clientName)).to.include('A');
  });

  it('introduces nobody who holds nothing', async () => {
    const [[first = new CoreRig()], [holder]] = await several(2, ['A', 'B']);
    first.store.listener?.wanted(resource('r'));
    const held = holder?.acquire('r') ?? 0;
    await first.clock.settle();
    first.store.answerDelayMs = () => 10;
    holder?.release(held);
    await first.clock.settle();
    first.store.listener?.wanted(resource('r'));
    await first.clock.advance(100);
    expect(first.store.introductions).to.deep.equal([]);
  });

  it('turns a try away while others have their turn, and forgets the resource afterwards (L4)', async () => {
    const [[first = new CoreRig(), second = new CoreRig()], [a, b]] = await several(2, ['A', 'B']);
    if (a === undefined || b === undefined) throw new Error('two clients were asked for');
    const ids = Array.from({ length: 12 }, () => a.acquire('r', { waitMs: 60_000 }));
    await first.clock.settle();
    const other = b.acquire('r', { waitMs: 60_000 });
    await first.clock.settle();
    for (const id of ids.slice(0, 9)) {
      a.release(id);
      await first.clock.settle();
    }
    expect(a.all('granted')).to.have.length(9);
    expect(b.answer('granted', other)).to.not.equal(undefined);
    for (const id of ids.slice(9)) a.say({ kind: 'cancel', requestId: id });
    b.release(other);
    await first.clock.settle();
    const attempt = a.acquire('r');
    await first.clock.settle();
    expect(a.answer('denied', attempt).reason).to.equal('held');
    await first.clock.advance(1_000);
    expect(first.core.sizes()).to.include({ resources: 0, timers: 0 });
    expect(second.core.sizes()).to.include({ resources: 0, timers: 0 });
    const late = a.acquire('r');
    await first.clock.settle();
    expect(a.answer('granted', late)).to.not.equal(undefined);
  });

  it('keeps nobody waiting who does not wait, while others have their turn', async () => {
    const [[first = new CoreRig()], [a, b]] = await several(2, ['A', 'B']);
    if (a === undefined || b === undefined) throw new Error('two clients were asked for');
    const ids = Array.from({ length: 10 }, () => a.acquire('r', { waitMs: 60_000 }));
    await first.clock.settle();
    b.acquire('r', { waitMs: 60_000 });
    await first.clock.settle();
    for (const id of ids.slice(0, 8)) {
      a.release(id);
      await first.clock.settle();
    }
    first.store.answerDelayMs = () => 10;
    a.release(ids[8] ?? 0);
    a.say({ kind: 'cancel', requestId: ids[9] ?? 0 });
    const attempt = a.acquire('r');
    await first.clock.advance(10);
    expect(a.answer('denied', attempt).reason).to.equal('held');
  });

  describe('with long queues gives every server its turn (L2)', () => {
    for (const [servers, hints] of [2, 3, 5].flatMap((count) => [[count, true] as const, [count, false] as const])) {
      it(`${servers} servers ${hints ? 'with' : 'without'} hints`, async () => {
        const names = ['A', 'B', 'C', 'D', 'E'].slice(0, servers);
        const [rigs, clients] = await several(servers, names);
        const [first = new CoreRig()] = rigs;
        first.store.servers.hints = hints;
        for (const rig of rigs) rig.store.answerDelayMs = () => 2;
        const turns = new Turns();
        for (const [index, client] of clients.entries()) {
          turns.add(rigs[index] as CoreRig, client);
          for (let waiters = 0; waiters < 60; waiters += 1) client.acquire('r', { waitMs: 600_000 });
        }
        for (let steps = 0; turns.order.length < 60 * servers && steps < 60_000; steps += 1) {
          await first.clock.advance(1);
          turns.passOn();
          if (steps % 1_000 === 0) for (const client of clients) client.beat();
        }
        expect(turns.order).to.have.length(60 * servers);
        for (const name of names) expect(turns.mostPassedOver(name), name).to.be.at.most(8 * (servers - 1) + 8);
      });
    }
  });
});
