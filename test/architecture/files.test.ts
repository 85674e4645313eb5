import { basename } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';
import { filesBelow, type SourceFile, sourceFile, sourceFiles } from './source-tree.js';

const MAX_LINES = 300;
/** Files that may be longer, each with its reason. */
const LONG: readonly string[] = [];

function tooLong({ path, original }: SourceFile): readonly string[] {
  const lines = original.trimEnd().split('\n').length;
  return lines > MAX_LINES && !LONG.includes(path) ? [`${path}: ${lines} lines, at most ${MAX_LINES}`] : [];
}

function badName({ path }: { readonly path: string }): readonly string[] {
  const name = basename(path).replace(/(\.test|\.d)?\.ts$/, '');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [`${path}: not in kebab-case`];
  if (/^(utils?|helpers?|common|misc|shared)$/.test(name)) return [`${path}: says nothing of what is in it`];
  return [];
}

describe('files', () => {
  const files = sourceFiles();

  it(`have at most ${MAX_LINES} lines`, () => {
    expect(files.flatMap(tooLong)).to.deep.equal([]);
    expect(tooLong(sourceFile('a.ts', 'x\n'.repeat(MAX_LINES)))).to.be.empty;
    expect(tooLong(sourceFile('a.ts', 'x\n'.repeat(MAX_LINES + 1)))).to.have.length(1);
  });

  it('are named in kebab-case for the one thing in them', () => {
    expect(files.flatMap(badName)).to.deep.equal([]);
    for (const path of ['a/leaseTable.ts', 'a/Lease.ts', 'a/lease_table.ts', 'a/utils.ts', 'a/helper.test.ts']) {
      expect(badName({ path }), path).to.have.length(1);
    }
  });

  it('under test/ that are tests run: they lie where the suite looks for them', () => {
    const stray = filesBelow(ROOT).filter((path) => path.endsWith('.test.ts') && !/^test\/[a-z]+\//.test(path));
    expect(stray).to.deep.equal([]);
  });

  it('silence no checker', () => {
    const silencing = new RegExp(
      ['biome-' + 'ignore', '@ts-' + '(ignore|nocheck|expect-error)', 'eslint-' + 'disable'].join('|'),
    );
    const silenced = (file: SourceFile): boolean => silencing.test(file.original);
    expect(files.filter(silenced).map(({ path }) => path)).to.deep.equal([]);
    expect(silenced(sourceFile('a.ts', `// @ts-${'ignore'}`))).to.equal(true);
  });
});
