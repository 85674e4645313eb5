import type { Play } from './cast.js';
import { simulateEmbedded } from './embedded-system.js';
import type { Outcome } from './outcome.js';
import { simulateRedlock } from './redlock-system.js';
import { SeededRandom } from './seeded-random.js';

export type { Play } from './cast.js';

/** One store with everything that runs above and below it. */
export interface SimulatedSystem {
  readonly name: string;
  /** How many seeds of a hundred choose it. */
  readonly share: number;
  /** Runs one seed from beginning to end. The same seed gives the same trace. */
  simulate(seed: number, play?: Play): Promise<Outcome>;
}

/** Everything that is simulated: a further store or primitive is a file of its own and a line here. */
export const SYSTEMS: readonly SimulatedSystem[] = [
  { name: 'redlock', share: 80, simulate: simulateRedlock },
  { name: 'embedded', share: 20, simulate: simulateEmbedded },
];

/** So that the choice of a system says nothing of what happens in it. */
const CHOICE = 0x5eed;

/** The system that a seed is about. */
export function systemOf(seed: number): SimulatedSystem {
  const total = SYSTEMS.reduce((sum, { share }) => sum + share, 0);
  let dice = new SeededRandom(seed ^ CHOICE).unit() * total;
  const chosen = SYSTEMS.find(({ share }) => {
    dice -= share;
    return dice < 0;
  });
  if (chosen === undefined) throw new RangeError('no system has a share');
  return chosen;
}

/** What one seed means: it chooses a system, and everything that happens in it. */
export function runSeed(seed: number, play?: Play): Promise<Outcome> {
  return systemOf(seed).simulate(seed, play);
}
