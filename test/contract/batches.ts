import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  ExtendAnswer,
  ExtendBid,
  HandOffAnswer,
  HandOffBid,
  LeaseStore,
  ReleaseAnswer,
  ReleaseBid,
} from '../../server/src/core/store-port.js';

/** A store's verbs as promises of all answers of a batch. They reject when an entry is answered twice, or one unasked. */
export class Batches {
  constructor(private readonly store: () => LeaseStore) {}

  acquire(bids: readonly AcquireBid[]): Promise<AcquireAnswer[]> {
    return answers(bids.length, (answered) => this.store().acquire(bids, answered));
  }

  extend(bids: readonly ExtendBid[]): Promise<ExtendAnswer[]> {
    return answers(bids.length, (answered) => this.store().extend(bids, answered));
  }

  handOff(bids: readonly HandOffBid[]): Promise<HandOffAnswer[]> {
    return answers(bids.length, (answered) => this.store().handOff(bids, answered));
  }

  adopt(bids: readonly AdoptBid[]): Promise<AdoptAnswer[]> {
    return answers(bids.length, (answered) => this.store().adopt(bids, answered));
  }

  release(bids: readonly ReleaseBid[]): Promise<ReleaseAnswer[]> {
    return answers(bids.length, (answered) => this.store().release(bids, answered));
  }
}

function answers<Answer>(count: number, call: (answered: Answered<Answer>) => void): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const given = new Map<number, Answer>();
    call((index, answer) => {
      const asked = Number.isInteger(index) && index >= 0 && index < count;
      if (!asked || given.has(index)) reject(new Error(`entry ${index} of ${count} was answered twice or unasked`));
      given.set(index, answer);
      if (given.size === count) resolve(Array.from({ length: count }, (_, at) => given.get(at) as Answer));
    });
    if (count === 0) resolve([]);
  });
}
