import { expect } from 'chai';
import { InvariantViolation } from '../../server/src/core/invariant.js';
import { StoreBatcher } from '../../server/src/core/store-batcher.js';
import type { Answered, ReleaseAnswer, ReleaseBid } from '../../server/src/core/store-port.js';
import { releaseBid } from '../contract/store-bids.js';
import { CoreRig } from '../support/core-rig.js';

/** A batcher over a store whose releases are answered by hand. */
class Batched {
  readonly rig = new CoreRig();
  readonly told: string[] = [];
  readonly batches: { readonly bids: readonly ReleaseBid[]; readonly answered: Answered<ReleaseAnswer> }[] = [];
  readonly batcher: StoreBatcher;
  readonly calls: number[] = [];

  constructor() {
    const { store, clock, telemetry } = this.rig;
    store.release = (bids, answered) => void this.batches.push({ bids, answered });
    const random = { bytes: (count: number) => new Uint8Array(count), unit: () => 0.5 };
    const observed = Object.assign(Object.create(telemetry), {
      storeCalled: (_verb: string, entries: number) => this.calls.push(entries),
    });
    this.batcher = new StoreBatcher({ store, clock, telemetry: observed, random });
  }

  release(name: string): void {
    this.batcher.release(releaseBid(name, name), (answer) => this.told.push(`${name} ${answer}`));
  }

  answer(index: number, answer: ReleaseAnswer = 'released'): void {
    this.batches[0]?.answered(index, answer);
  }
}

describe('the batches a turn becomes', () => {
  let batched: Batched;
  beforeEach(async () => {
    batched = new Batched();
    for (const name of ['a', 'b', 'c']) batched.release(name);
    await batched.rig.clock.settle();
  });

  it('are one call, and each entry is told its own answer as it comes', () => {
    expect(batched.batches.map(({ bids }) => bids.length)).to.deep.equal([3]);
    batched.answer(2, 'gone');
    batched.answer(0);
    expect(batched.told).to.deep.equal(['c gone', 'a released']);
    expect(batched.calls).to.deep.equal([]);
    batched.answer(1, 'unknown');
    expect(batched.told.at(-1)).to.equal('b unknown');
    expect(batched.calls).to.deep.equal([3]);
  });

  it('stop the process when an entry is answered twice (S5)', () => {
    batched.answer(1);
    expect(() => batched.answer(1)).to.throw(InvariantViolation, 'S5 violated: release entry 1 of 3');
    expect(batched.told).to.deep.equal(['b released']);
  });

  for (const index of [-1, 3, 0.5, Number.NaN]) {
    it(`stop the process when entry ${index} is answered, which was not asked (S5)`, () => {
      expect(() => batched.answer(index)).to.throw(InvariantViolation, 'S5');
    });
  }
});
