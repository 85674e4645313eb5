import { expect } from 'chai';
import { reportOf, traceOf } from './failure.js';
import { runRange, type Summary } from './range.js';
import { runSeed, systemOf } from './systems.js';

const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 200);
const REPLAY = process.env['SEED'];

/** Less shows little. */
const LEAST_GRANTS = 200;
const LEAST_FAULTS = 5;
/** Of all seeds of a range together: a server that refuses everything under faults would pass otherwise. */
const LEAST_SHARE_UNDER_FAULTS = 0.5;
/** Of a few seeds that says nothing: under the faults of some next to nothing can be granted. */
const SEEDS_THAT_TELL = 100;

class Broken extends Error {
  constructor(readonly summary: Summary) {
    super(`SEED=${summary.seed}: ${summary.violations[0]}`);
  }
}

describe('simulation: servers, stores and client logic as they are, under faults of all that is below them', () => {
  if (REPLAY !== undefined) {
    const seed = Number(REPLAY);
    it(`replays seed ${seed} (${systemOf(seed).name})`, async () => {
      const outcome = await runSeed(seed, { isReplay: true });
      process.stdout.write(`${traceOf(outcome)}\n`);
      expect(outcome.violations).to.deep.equal([]);
    }).timeout(60_000);
    return;
  }

  it(`keeps every guarantee over ${SEEDS} seeds from ${FIRST_SEED}`, async () => {
    let [seeds, grants, underFaults, excused, writes, faults] = [0, 0, 0, 0, 0, 0];
    try {
      await runRange(FIRST_SEED, SEEDS, (summary) => {
        if (summary.violations.length > 0) throw new Broken(summary);
        seeds += 1;
        grants += summary.grants;
        underFaults += summary.grantsUnderFaults;
        excused += summary.excused;
        writes += summary.writes;
        faults += summary.faults;
        expect(summary.grants, `grants of SEED=${summary.seed}`).to.be.at.least(LEAST_GRANTS);
        expect(summary.faults, `faults of SEED=${summary.seed}`).to.be.at.least(LEAST_FAULTS);
      });
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      const { seed } = error.summary;
      throw new Error(await reportOf(await runSeed(seed), (play) => runSeed(seed, play)));
    }
    expect(seeds).to.equal(SEEDS);
    expect(writes).to.be.greaterThan(grants / 2);
    const floor = SEEDS >= SEEDS_THAT_TELL ? LEAST_SHARE_UNDER_FAULTS * LEAST_GRANTS * seeds : 0;
    expect(underFaults, 'grants under faults').to.be.at.least(floor);
    const counts = `${seeds} seeds, ${grants} grants checked (${underFaults} under faults), ${writes} writes, ${faults} faults`;
    process.stdout.write(`    ${counts}, ${excused} times two believed one thing where nothing else is promised\n`);
  }).timeout(60_000 + SEEDS * 5_000);
});
