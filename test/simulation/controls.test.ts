import { expect } from 'chai';
import type { ScriptRule } from '../support/redlock/script-context.js';
import type { Sabotage } from './cast.js';
import { simulateEmbedded } from './embedded-system.js';
import type { Outcome } from './outcome.js';
import type { RedlockCast } from './redlock-cast.js';
import { simulateRedlock } from './redlock-system.js';

type RedlockSabotage = Sabotage<ScriptRule, RedlockCast>;

/** A rule that is broken on purpose, where that shows, and what must come of it within how many seeds. */
interface Control {
  readonly without: string;
  readonly run: (seed: number) => Promise<Outcome>;
  readonly breaks: RegExp;
  readonly withinSeeds: number;
}

const over =
  (sabotage: RedlockSabotage) =>
  (seed: number): Promise<Outcome> =>
    simulateRedlock(seed, {}, sabotage);

const CONTROLS: readonly Control[] = [
  {
    without: 'the comparison of ballots',
    run: over({ without: ['ballots'], kinds: ['slowServer', 'duplicate'] }),
    breaks: /^(S1|S2|I4)/,
    withinSeeds: 100,
  },
  {
    without: 'the quarantine',
    run: over({ without: ['quarantine'], kinds: ['wipeRedis', 'wipeInTurn', 'pauseClient'] }),
    breaks: /^(S1|S2|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'the look at whose lock is released',
    run: over({ without: ['owner of a release'] }),
    breaks: /^(S1|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'waiting for the holder when a stream ends',
    run: over({ closesOnBreak: true, kinds: ['cutStream', 'cutServer'] }),
    breaks: /^(S1|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'waiting for the holder when a stream to an embedded store ends',
    run: (seed) => simulateEmbedded(seed, {}, { closesOnBreak: true }),
    breaks: /^(S1|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'a look at tokens by the resource',
    run: over({ unfenced: true }),
    breaks: /^I2/,
    withinSeeds: 60,
  },
  {
    without: 'the swap of an adoption',
    run: over({ without: ['adoption swap'], kinds: ['cutServer', 'slowServer', 'unsteady'] }),
    breaks: /^(S1|I4)/,
    withinSeeds: 400,
  },
];

describe('simulation: a rule that is broken is missed', () => {
  if (process.env['SEED'] !== undefined) return;

  for (const { without, run, breaks, withinSeeds } of CONTROLS) {
    it(`notices that it goes on without ${without} (control)`, async () => {
      const broken: string[] = [];
      for (let seed = 1; seed <= withinSeeds && broken.length === 0; seed += 1) {
        const { violations } = await run(seed);
        broken.push(...violations.filter((violation) => breaks.test(violation)));
      }
      expect(broken).to.not.have.length(0);
    }).timeout(30_000 + withinSeeds * 2_000);
  }
});
