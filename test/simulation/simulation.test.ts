import { expect } from 'chai';
import { reportOf, traceOf } from './failure.js';
import { runSeed, systemOf } from './systems.js';

const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 200);
const REPLAY = process.env['SEED'];

/** Less shows little. */
const LEAST_GRANTS = 200;
const LEAST_FAULTS = 5;

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
    let [grants, writes, faults] = [0, 0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const outcome = await runSeed(seed);
      grants += outcome.grants;
      writes += outcome.writes;
      faults += outcome.faults;
      if (outcome.violations.length > 0) throw new Error(await reportOf(outcome, (play) => runSeed(seed, play)));
      expect(outcome.grants, `grants of SEED=${seed}`).to.be.at.least(LEAST_GRANTS);
      expect(outcome.faults, `faults of SEED=${seed}`).to.be.at.least(LEAST_FAULTS);
    }
    expect(writes).to.be.greaterThan(grants / 2);
    process.stdout.write(`    ${SEEDS} seeds, ${grants} grants checked, ${writes} writes, ${faults} faults\n`);
  }).timeout(60_000 + SEEDS * 5_000);
});
