import { expect } from 'chai';
import { ROWS } from '../faults/rows/catalog.js';
import { faultTable } from '../faults/rows/report.js';
import { latestResults } from '../faults/rows/results.js';
import { soakTables } from '../faults/soak/report.js';
import { latestSoaks } from '../faults/soak/result.js';
import { pageText } from '../support/markdown-blocks.js';

describe('the table of faults in docs/evidence.md', () => {
  it('has every row, with what came of it the last time', () => {
    expect(pageText('docs/evidence.md')).to.include(`\n${faultTable(ROWS, latestResults())}\n`);
  });

  it('has each row once', () => {
    const ids = ROWS.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
  });
});

describe('what soaks found, in docs/evidence.md', () => {
  it('is what the latest runs wrote down', () => {
    expect(pageText('docs/evidence.md')).to.include(`\n${soakTables(latestSoaks())}\n`);
  });
});
