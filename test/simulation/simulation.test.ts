import { expect } from 'chai';
import { inWords, type Outcome } from './outcome.js';
import { simulate } from './scenario.js';

const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 100);
const REPLAY = process.env['SEED'];
const HOW_TO_REPLAY = 'make sim SEED=';

function report(outcome: Outcome): string {
  return [...outcome.trace.map(inWords), ...outcome.violations].join('\n');
}

describe('simulation: server core, embedded store and client logic under faults', () => {
  if (REPLAY !== undefined) {
    it(`replays seed ${REPLAY}`, async () => {
      const outcome = await simulate(Number(REPLAY));
      process.stdout.write(`${report(outcome)}\n`);
      expect(outcome.violations).to.deep.equal([]);
    });
    return;
  }

  it(`keeps every guarantee over ${SEEDS} seeds from ${FIRST_SEED}`, async () => {
    let grants = 0;
    let faults = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const outcome = await simulate(seed);
      grants += outcome.grants;
      faults += outcome.faults;
      const story = `SEED=${seed}, replay with: ${HOW_TO_REPLAY}${seed}\n${outcome.violations.join('\n')}`;
      expect(outcome.violations, story).to.deep.equal([]);
    }
    // A run that grants nothing or suffers nothing shows nothing.
    expect(grants).to.be.greaterThan(10 * SEEDS);
    expect(faults).to.be.greaterThan(5 * SEEDS);
  }).timeout(60_000 + SEEDS * 500);

  it('plays the same seed the same way', async () => {
    const [first, second] = [await simulate(7), await simulate(7)];
    expect(report(second)).to.equal(report(first));
  });

  it('notices when leases are freed because a stream ended (control)', async () => {
    let noticed = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const { violations } = await simulate(seed, { closesOnBreak: true });
      if (violations.some((violation) => violation.startsWith('S1'))) noticed += 1;
    }
    expect(noticed).to.be.greaterThan(0);
  }).timeout(30_000);
});
