import { expect } from 'chai';
import { readResults, resultsText, unexpected } from '../model/results.js';
import { VARIANTS } from '../model/variants.js';
import { pageText } from '../support/markdown-blocks.js';

describe('docs/model.md', () => {
  const results = readResults();

  it('has what came of the last search of every variant', () => {
    expect(Object.keys(results)).to.have.members(VARIANTS.map(({ id }) => id));
    expect(pageText('docs/model.md')).to.include(`\n${resultsText(results)}\n`);
  });

  it('speaks of searches that came out as they must', () => {
    const problems = VARIANTS.map((variant) => {
      const result = results[variant.id];
      return { id: variant.id, why: result === undefined ? 'not run' : unexpected(variant, result) };
    });
    expect(problems.filter(({ why }) => why !== undefined)).to.deep.equal([]);
  });
});
