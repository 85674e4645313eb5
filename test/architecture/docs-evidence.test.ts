import { expect } from 'chai';
import { misfit, type Patch, patchesOf, testFilesOf } from '../mutants/patch.js';
import { pageText } from '../support/markdown-blocks.js';
import { markdownTable } from '../support/markdown-table.js';

describe('docs/evidence.md', () => {
  const required = patchesOf('required');
  const further = patchesOf('further');

  function table(patches: readonly Patch[]): string {
    const rows = patches.map(({ id, title, file, test }) => [`\`${id}\``, title, `\`${file}\``, `“${test}”`]);
    return markdownTable(['Patch', 'Guard', 'Switched off in', 'Test that fails'], rows);
  }

  it('has every patch, with its guard and the test that misses it', () => {
    for (const patches of [required, further]) expect(pageText('docs/evidence.md')).to.include(`\n${table(patches)}\n`);
  });

  it('speaks of patches that fit the sources and tests as they are', () => {
    const stale = [...required, ...further].map((patch) => ({ id: patch.id, why: misfit(patch) }));
    expect(stale.filter(({ why }) => why !== undefined)).to.deep.equal([]);
  });

  it('speaks of tests that exist, each in one file', () => {
    const unclear = [...required, ...further].filter(
      (patch) => patch.test === undefined || testFilesOf(patch).length !== 1,
    );
    expect(unclear.map(({ id }) => id)).to.deep.equal([]);
  });
});
