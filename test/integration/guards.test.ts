import { expect } from 'chai';
import { type Patch, patchesOf } from '../mutants/patch.js';
import { twoAtATime } from '../mutants/two-at-a-time.js';
import { searchPatch, tryNone, tryPatch, type Verdict } from '../mutants/verdict.js';

/** Each child compiles and runs a file of tests; all of them together, on a loaded machine. */
const ALL_MS = 120_000;

/** Guards that the simulator misses at once, and within how many seeds it has to. */
const MISSED_AT_ONCE = ['ballot-model', 'quarantine-wait', 'release-owner-model'];
const FEW_SEEDS = 40;

describe('guards that are switched off', () => {
  const patches = patchesOf('required');
  const verdicts = new Map<Patch, Verdict>();

  before('tries all, two at a time', async function () {
    this.timeout(ALL_MS);
    await twoAtATime(patches, async (patch) => void verdicts.set(patch, await tryPatch(patch)));
  });

  for (const patch of patches) {
    it(`are missed by "${patch.test}": ${patch.title}`, () => {
      const verdict = verdicts.get(patch);
      expect(verdict?.kind, JSON.stringify(verdict)).to.equal('noticed');
    });
  }

  for (const patch of patches.filter(({ id }) => MISSED_AT_ONCE.includes(id))) {
    it(`are missed by the simulator: ${patch.title}`, async function () {
      this.timeout(ALL_MS);
      const verdict = await searchPatch(patch, { seeds: FEW_SEEDS });
      expect(verdict?.kind, JSON.stringify(verdict)).to.equal('found');
    });
  }

  it('are what those tests miss: with nothing patched they pass', async function () {
    this.timeout(ALL_MS);
    expect(await tryNone(patches)).to.deep.equal([]);
  });
});
