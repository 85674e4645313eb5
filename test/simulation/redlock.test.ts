import { expect } from 'chai';
import { inWords, type Outcome } from './outcome.js';
import { type RedlockSabotage, simulateRedlock } from './redlock-scenario.js';

const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 30);
const REPLAY = process.env['SEED'];

/** A rule that is broken on purpose, where that shows, and what must come of it within how many seeds. */
interface Control {
  readonly without: string;
  readonly sabotage: RedlockSabotage;
  readonly breaks: RegExp;
  readonly withinSeeds: number;
}

/** Everybody wants one thing, again and again, and something happens all the time. */
const CROWD = { clients: 6, servers: 3, resources: ['a'], meanFaultEveryMs: 60 };

const CONTROLS: readonly Control[] = [
  {
    without: 'the comparison of ballots',
    sabotage: {
      without: ['ballots'],
      kinds: ['slowServer'],
      cast: { ...CROWD, redises: 5, meanFaultEveryMs: 400, maxHoldMs: 5 },
    },
    breaks: /^S2/,
    withinSeeds: 40,
  },
  {
    without: 'the quarantine',
    sabotage: {
      without: ['quarantine'],
      kinds: ['wipeRedis', 'pauseClient'],
      cast: { ...CROWD, redises: 3, servers: 2, clients: 4, maxHoldMs: 1_000 },
    },
    breaks: /^S1/,
    withinSeeds: 30,
  },
  {
    without: 'the look at whose lock is released',
    sabotage: { without: ['owner of a release'] },
    breaks: /^S1/,
    withinSeeds: 60,
  },
  {
    without: 'waiting for the holder when a stream ends',
    sabotage: { closesOnBreak: true },
    breaks: /^S1/,
    withinSeeds: 60,
  },
  {
    without: 'a look at tokens by the resource',
    sabotage: { unfenced: true },
    breaks: /^I2/,
    withinSeeds: 60,
  },
];

/** It takes a server that frees an unheard grant late, and that in the short while before the next extension. */
const RARE_CONTROLS: readonly Control[] = [
  {
    without: 'the swap of an adoption',
    sabotage: {
      without: ['adoption swap'],
      kinds: ['cutServer', 'slowServer'],
      cast: { ...CROWD, maxHoldMs: 1_000 },
    },
    breaks: /^S1/,
    withinSeeds: 400,
  },
];
const IS_THOROUGH = SEEDS >= 100;

function report(outcome: Outcome): string {
  return [...outcome.trace.map(inWords), ...outcome.violations].join('\n');
}

describe('simulation: servers, redlock store and client logic over several Redis nodes under faults', () => {
  if (REPLAY !== undefined) {
    it(`replays seed ${REPLAY}`, async () => {
      const outcome = await simulateRedlock(Number(REPLAY), {}, true);
      process.stdout.write(`${report(outcome)}\n`);
      expect(outcome.violations).to.deep.equal([]);
    }).timeout(60_000);
    return;
  }

  it(`keeps every guarantee over ${SEEDS} seeds from ${FIRST_SEED}`, async () => {
    let [grants, writes, faults] = [0, 0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const outcome = await simulateRedlock(seed);
      grants += outcome.grants;
      writes += outcome.writes;
      faults += outcome.faults;
      const story = [`SEED=${seed}, replay with: make sim SEED=${seed}`, ...outcome.violations, ...outcome.story];
      expect(outcome.violations, story.join('\n')).to.deep.equal([]);
    }
    // A run that grants nothing or suffers nothing shows nothing.
    expect(grants).to.be.greaterThan(20 * SEEDS);
    expect(writes).to.be.greaterThan(20 * SEEDS);
    expect(faults).to.be.greaterThan(10 * SEEDS);
  }).timeout(60_000 + SEEDS * 5_000);

  it('plays the same seed the same way over Redis nodes, too', async () => {
    const [first, second] = [await simulateRedlock(3), await simulateRedlock(3)];
    expect(report(second)).to.equal(report(first));
  }).timeout(30_000);

  for (const control of [...CONTROLS, ...(IS_THOROUGH ? RARE_CONTROLS : [])]) {
    const { without, sabotage, breaks, withinSeeds } = control;
    it(`notices that it goes on without ${without} (control)`, async () => {
      const broken: string[] = [];
      for (let seed = 1; seed <= withinSeeds && broken.length === 0; seed += 1) {
        const { violations } = await simulateRedlock(seed, sabotage);
        broken.push(...violations.filter((violation) => breaks.test(violation)));
      }
      expect(broken).to.not.have.length(0);
    }).timeout(30_000 + withinSeeds * 2_000);
  }
});
