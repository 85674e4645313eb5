import { expect } from 'chai';
import { WaiterQueue } from '../../server/src/core/waiter-queue.js';
import { CoreRig, hash } from '../support/core-rig.js';

const CROWD = 1_000;

describe('core: a crowd of waiters', () => {
  const find = WaiterQueue.prototype.find;
  let looks = 0;
  before(() => {
    WaiterQueue.prototype.find = function (suits) {
      return find.call(this, (item) => {
        looks += 1;
        return suits(item as never);
      }) as never;
    };
  });
  after(() => {
    WaiterQueue.prototype.find = find;
  });

  it('is not gone through again for each that goes, when the grace of its session is over (L4)', async () => {
    const rig = new CoreRig();
    const holder = await rig.client('holder');
    const held = holder.acquire('r', { ttlMs: 60_000 });
    const crowd = await rig.client('crowd');
    for (let index = 0; index < CROWD; index += 1) crowd.acquire('r', { waitMs: 600_000, hash: hash(`${index}`) });
    await rig.clock.settle();
    crowd.cut();
    holder.release(held);
    await rig.clock.settle();
    looks = 0;
    await rig.clock.advance(31_000);
    expect(rig.core.sizes()).to.include({ waiters: 0, resources: 0, sessionsDetached: 0 });
    expect(looks).to.be.lessThan(10 * CROWD);
  });
});
