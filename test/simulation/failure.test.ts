import { expect } from 'chai';
import { simulateEmbedded } from './embedded-system.js';
import { commit, reportOf, shrink } from './failure.js';
import type { Outcome } from './outcome.js';
import type { Play } from './systems.js';

/** However busy the machine is. */
const PATIENCE = { ms: Number.POSITIVE_INFINITY, runs: 60 };

/** Leases are freed when a stream ends: that is bound to be noticed. */
function broken(seed: number, play?: Play): Promise<Outcome> {
  return simulateEmbedded(seed, play, { closesOnBreak: true });
}

describe('simulation: a failure', () => {
  if (process.env['SEED'] !== undefined) return;

  let seed = 0;
  let outcome: Outcome;

  before(async function findOne() {
    this.timeout(60_000);
    // One with something to leave out.
    do {
      seed += 1;
      outcome = await broken(seed);
    } while (!/^(S1|I4)/.test(outcome.violations[0] ?? '') || outcome.faults < 4 || outcome.faults > 12);
  });

  it('is led to by no fault that can be left out', async () => {
    const shortest = await shrink(outcome, (play) => broken(seed, play), PATIENCE);
    expect(shortest.violations).to.have.length.greaterThan(0);
    expect(shortest.faults).to.be.at.most(outcome.faults);
    const needed = shortest.struck.map(({ number }) => number);
    for (const number of needed) {
      const { violations } = await broken(seed, { faults: new Set(needed.filter((other) => other !== number)) });
      expect(violations[0]?.split(' ', 1)).to.not.deep.equal(shortest.violations[0]?.split(' ', 1));
    }
  }).timeout(60_000);

  it('says how to repeat it, what broke, and what led to it on the resource that it is about', async () => {
    const report = await reportOf(outcome, (play) => broken(seed, play), PATIENCE);
    const [first, ...rest] = report.split('\n');
    expect(first).to.match(new RegExp(`^SEED=${seed} COMMIT=${commit().replace('+', '\\+')} .*make sim SEED=${seed}$`));
    expect(rest).to.include(outcome.violations[0]);
    const held = rest.flatMap((line) => /holds (\w+) with token/.exec(line)?.[1] ?? []);
    expect(new Set(held)).to.have.property('size', 1);
    expect(rest.length).to.be.lessThan(80);
  }).timeout(60_000);
});
