import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';
import { sourceFiles } from './source-tree.js';

const PAGE = 'docs/architecture.md';

/** What each `Architecture invariant: … (test: <name>)` paragraph names as its test; `undefined` where it names none. */
function testsNamed(page: string): readonly (string | undefined)[] {
  return page
    .split(/\n\s*\n|\n(?=\s*[-*] )/)
    .filter((paragraph) => /Architecture invariant/i.test(paragraph))
    .map((paragraph) => /\(test: ([^)]+)\)/.exec(paragraph.replace(/\s+/g, ' '))?.[1]?.replaceAll('`', ''));
}

/** Names that are neither a test file nor part of a test's title. */
function unheld(page: string, titles: readonly string[], isFile: (path: string) => boolean): readonly string[] {
  return testsNamed(page)
    .map((name) => name ?? 'no test named')
    .filter((name) => !isFile(name) && !titles.includes(name));
}

describe('documents', () => {
  const tests = sourceFiles().filter(({ path }) => path.endsWith('.test.ts'));
  const titles = tests.flatMap(({ original }) =>
    [...original.matchAll(/\b(?:it|describe)\(\s*(['"`])(.*?)\1/g)].map((match) => match[2] ?? ''),
  );
  const isFile = (path: string): boolean => tests.some((test) => test.path === path || test.path === `test/${path}`);

  it('name, for every architecture invariant, a test that exists', () => {
    if (existsSync(join(ROOT, PAGE))) {
      expect(unheld(readFileSync(join(ROOT, PAGE), 'utf8'), titles, isFile)).to.deep.equal([]);
    }
    const page = [
      '- Architecture invariant: one (test: architecture/documents.test.ts)',
      '- **Architecture invariant:** two, over\n  lines (test: `test/architecture/documents.test.ts`)',
      '- Architecture invariant: three (test: of the core reach nothing but the core)',
      '- Architecture invariant: four',
      '',
      'Architecture invariant: five (test: architecture/gone.test.ts)',
      '',
      'Architecture invariant: six (test: holds water)',
    ].join('\n');
    expect(unheld(page, titles, isFile)).to.deep.equal(['no test named', 'architecture/gone.test.ts', 'holds water']);
  });
});
