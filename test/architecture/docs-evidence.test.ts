import { expect } from 'chai';
import { hasTests, misfit, patchesOf, testFilesOf } from '../mutants/patch.js';
import { evidenceTable, historiesPage, readResults, runLine } from '../mutants/results.js';
import { isSimulated } from '../mutants/simulator-run.js';
import { pageText } from '../support/markdown-blocks.js';

describe('docs/evidence.md', () => {
  const required = patchesOf('required');
  const further = patchesOf('further');

  const results = readResults();

  it('has every patch, with its guard, what the simulator found and the test that misses it', () => {
    for (const patches of [required, further]) {
      expect(pageText('docs/evidence.md')).to.include(`\n${evidenceTable(patches, results)}\n`);
    }
  });

  it('says when all of them were run', () => {
    expect(pageText('docs/evidence.md')).to.include(`\n${runLine(results)}\n`);
  });

  it('says of every patch what the simulator makes of it', () => {
    const simulated = [...required, ...further].filter(({ edits }) => isSimulated(edits));
    expect(simulated.filter(({ id }) => results.results[id] === undefined).map(({ id }) => id)).to.deep.equal([]);
  });

  it('has a history for every patch that the simulator found', () => {
    expect(pageText('docs/evidence-histories.md')).to.equal(historiesPage([...required, ...further], results));
  });

  it('speaks of patches that fit the sources and tests as they are', () => {
    const stale = [...required, ...further].map((patch) => ({ id: patch.id, why: misfit(patch) }));
    expect(stale.filter(({ why }) => why !== undefined)).to.deep.equal([]);
  });

  it('speaks of tests that exist, each in one file', () => {
    const unclear = [...required, ...further].filter(
      (patch) => hasTests(patch) && (patch.test === undefined || testFilesOf(patch).length !== 1),
    );
    expect(unclear.map(({ id }) => id)).to.deep.equal([]);
  });
});
