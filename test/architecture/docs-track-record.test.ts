import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { misfit, type Patch, patchesOf, testFilesOf } from '../mutants/patch.js';
import { pageText } from '../support/markdown-blocks.js';
import { ROOT } from '../support/project-root.js';

/** The part of docs/evidence.md below a heading. */
function section(heading: string): string {
  return (pageText('docs/evidence.md').split(`\n## ${heading}\n`)[1] ?? '').split('\n## ', 1).join('');
}

/** The cells of the rows of its tables, without those of their heads. */
function rows(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()))
    .filter(([first = '']) => !['What went wrong', 'Situation'].includes(first));
}

describe('the track record in docs/evidence.md', () => {
  const mended = patchesOf('mended');
  const all = new Map([...mended, ...patchesOf('required'), ...patchesOf('further')].map((patch) => [patch.id, patch]));
  const bugs = rows(section('Track record')).map(([, , patches = '', tests = '', commit = '']) => ({
    ids: [...patches.matchAll(/`([^`]+)`/g)].map(([, id = '']) => id),
    tests: [...tests.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
    commit,
  }));

  it('has every patch that brings a bug back, and no other', () => {
    const ids = bugs.flatMap((bug) => bug.ids);
    expect(ids).to.include.members(mended.map(({ id }) => id));
    expect(ids.filter((id) => !all.has(id))).to.deep.equal([]);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('names the tests of its patches, and commits', () => {
    for (const { ids, tests, commit } of bugs) {
      expect(tests, ids.join()).to.have.members([...new Set(ids.map((id) => all.get(id)?.test ?? ''))]);
      expect(commit, ids.join()).to.match(/^[0-9a-f]{7}$/);
    }
  });

  it('speaks of patches that fit the sources, and of tests that exist, each in one file', () => {
    const why = (patch: Patch): string | undefined =>
      misfit(patch) ?? (testFilesOf(patch).length === 1 ? undefined : 'its test is not in one file');
    const stale = mended.map((patch) => ({ id: patch.id, why: why(patch) }));
    expect(stale.filter((each) => each.why !== undefined)).to.deep.equal([]);
  }).timeout(30_000);
});

describe('other libraries in docs/evidence.md', () => {
  const text = section('Other libraries under the same checks');

  it('are those that the tests install, in their versions', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'test/package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    expect(text).to.include(`node-redlock ${dependencies['redlock']}:`);
    expect(text).to.include(`redis-semaphore ${dependencies['redis-semaphore']}:`);
  });

  it('are shown by tests that exist, and every test is shown', () => {
    for (const file of ['contract/peers-node-redlock.test.ts', 'contract/peers-redis-semaphore.test.ts']) {
      expect(existsSync(join(ROOT, 'test', file))).to.equal(true);
      const titles = [...readFileSync(join(ROOT, 'test', file), 'utf8').matchAll(/\bit\(['`](.*)['`], async/g)];
      const quoted = [...text.matchAll(new RegExp(`\`${file}\`:((?:,? “[^”]+”)+)`, 'g'))].flatMap(([, list = '']) =>
        [...list.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
      );
      expect(quoted, file).to.have.members(titles.map(([, title = '']) => title));
    }
  });
});
