import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';
import { filesBelow, sourceFiles } from './source-tree.js';

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

/** Relative links of a page whose target is missing. */
function brokenLinks(page: string, text: string, exists: (path: string) => boolean): readonly string[] {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^([a-z]+:|#)/.test(target))
    .filter((target) => !exists(posix.join(posix.dirname(page), target.replace(/#.*$/, ''))))
    .map((target) => `${page}: ${target}`);
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

  it('link to files that exist', () => {
    const pages = filesBelow(ROOT).filter((path) => path.endsWith('.md'));
    expect(pages).to.include('CHANGELOG.md');
    const exists = (path: string): boolean => existsSync(join(ROOT, path));
    expect(pages.flatMap((page) => brokenLinks(page, readFileSync(join(ROOT, page), 'utf8'), exists))).to.deep.equal(
      [],
    );

    const text = '[a](../README.md#x) [b](https://example.org) [c](#here) `[d](x.md)` [e](gone.md)';
    expect(brokenLinks('docs/a.md', text, (path) => path === 'README.md')).to.deep.equal(['docs/a.md: gone.md']);
  });
});
