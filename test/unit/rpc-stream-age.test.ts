import { expect } from 'chai';
import type { Failure } from '../../server/src/core/failure.js';
import { StreamAge } from '../../server/src/rpc/stream-age.js';
import { VirtualClock } from '../support/virtual-clock.js';

const SETTINGS = { maxConnectionAgeMs: 1_000, moveWithinMs: 300 };

describe('the age of streams', () => {
  let clock: VirtualClock;
  let asked: number[];
  let ended: Failure[];
  const stream = {
    askToMove: (withinMs: number) => void asked.push(withinMs),
    endTooOld: (failure: Failure) => void ended.push(failure),
  };
  beforeEach(() => {
    clock = new VirtualClock();
    asked = [];
    ended = [];
  });

  for (const [unit, ageMs] of [
    [0, 900],
    [0.5, 1_000],
    [0.999, 1_100],
  ] as const) {
    it(`lets a stream move after ${ageMs} ms, and ends one that stays`, async () => {
      new StreamAge(clock, { unit: () => unit }, SETTINGS).watch(stream);
      await clock.advance(ageMs - 1);
      expect(asked).to.deep.equal([]);
      await clock.advance(2);
      expect(asked).to.deep.equal([300]);
      await clock.advance(297);
      expect(ended).to.deep.equal([]);
      await clock.advance(3);
      expect(ended.map(({ reason }) => reason)).to.deep.equal(['DRAINING']);
      await clock.advance(10_000);
      expect({ asked: asked.length, ended: ended.length }).to.deep.equal({ asked: 1, ended: 1 });
    });
  }

  for (const [when, atMs, asks] of [
    ['before it is asked', 500, 0],
    ['when it was asked', 1_100, 1],
  ] as const) {
    it(`is forgotten when the stream is over ${when} (L4)`, async () => {
      const over = new StreamAge(clock, { unit: () => 0.5 }, SETTINGS).watch(stream);
      await clock.advance(atMs);
      over();
      await clock.advance(10_000);
      expect({ asked: asked.length, ended: ended.length }).to.deep.equal({ asked: asks, ended: 0 });
    });
  }

  it('does not matter where it has no limit', async () => {
    const settings = { ...SETTINGS, maxConnectionAgeMs: Infinity };
    new StreamAge(clock, { unit: () => 0.5 }, settings).watch(stream)();
    await clock.advance(1e9);
    expect(asked).to.deep.equal([]);
  });
});
