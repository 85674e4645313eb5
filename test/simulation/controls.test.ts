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
  /** The same with the rule in force: it is not the faults alone that break anything. */
  readonly keeps: (seed: number) => Promise<Outcome>;
  readonly breaks: RegExp;
  readonly withinSeeds: number;
}

/** Over Redis nodes, without the rule and with it, under the same kinds of faults. */
function over(broken: RedlockSabotage, ...kinds: readonly string[]): Pick<Control, 'run' | 'keeps'> {
  const faults = kinds.length === 0 ? {} : { kinds };
  return {
    run: (seed) => simulateRedlock(seed, {}, { ...broken, ...faults }),
    keeps: (seed) => simulateRedlock(seed, {}, faults),
  };
}

const CONTROLS: readonly Control[] = [
  {
    without: 'the comparison of ballots',
    ...over({ without: ['ballots'] }, 'slowServer', 'duplicate'),
    breaks: /^(S1|S2|I4)/,
    withinSeeds: 100,
  },
  {
    without: 'the quarantine',
    ...over({ without: ['quarantine'] }, 'wipeRedis', 'wipeInTurn', 'pauseClient'),
    breaks: /^(S1|S2|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'the look at whose lock is released',
    ...over({ without: ['owner of a release'] }),
    breaks: /^(S1|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'waiting for the holder when a stream ends',
    ...over({ closesOnBreak: true }, 'cutStream', 'cutServer'),
    breaks: /^(S1|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'waiting for the holder when a stream to an embedded store ends',
    run: (seed) => simulateEmbedded(seed, {}, { closesOnBreak: true }),
    keeps: (seed) => simulateEmbedded(seed),
    breaks: /^(S1|I4)/,
    withinSeeds: 60,
  },
  {
    without: 'a look at tokens by the resource',
    ...over({ unfenced: true }),
    breaks: /^I2/,
    withinSeeds: 60,
  },
  {
    without: 'the swap of an adoption',
    ...over({ without: ['adoption swap'] }, 'cutServer', 'slowServer', 'unsteady'),
    breaks: /^(S1|I4)/,
    withinSeeds: 400,
  },
];

describe('simulation: a rule that is broken is missed', () => {
  if (process.env['SEED'] !== undefined) return;

  for (const { without, run, keeps, breaks, withinSeeds } of CONTROLS) {
    it(`notices that it goes on without ${without} (control)`, async () => {
      const broken: string[] = [];
      for (let seed = 1; seed <= withinSeeds && broken.length === 0; seed += 1) {
        const { violations } = await run(seed);
        broken.push(...violations.filter((violation) => breaks.test(violation)));
        expect((await keeps(seed)).violations, `seed ${seed} with ${without}`).to.deep.equal([]);
      }
      expect(broken).to.not.have.length(0);
    }).timeout(30_000 + withinSeeds * 2_000);
  }
});
