import { expect } from 'chai';
import { faultOf, inputOf, smaller, type TargetName } from './targets.js';

const FIRST_SEED = 1;
const CASES: Readonly<Record<TargetName, number>> = { sessions: 400, messages: 400, settings: 300 };
const FOR_AS_LONG_AS_MS = 60_000;

describe('fuzzing in this process', () => {
  for (const [target, cases] of Object.entries(CASES) as [TargetName, number][]) {
    it(`finds nothing in ${target}`, () => {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + cases; seed += 1) {
        const input = inputOf(target, seed);
        const fault = faultOf(input);
        if (fault === undefined) continue;
        expect.fail(`${fault}; play it with make fuzz SEED=${seed}; ${JSON.stringify(smaller(input, fault))}`);
      }
    }).timeout(FOR_AS_LONG_AS_MS);
  }

  it('makes the same input of the same seed', () => {
    for (const target of Object.keys(CASES) as TargetName[]) {
      expect(inputOf(target, 7)).to.deep.equal(inputOf(target, 7));
      expect(inputOf(target, 7)).not.to.deep.equal(inputOf(target, 8));
    }
  });
});
