import { expect } from 'chai';
import type { MochaRun } from '../mutants/mocha-run.js';
import { misfit, type Patch, parsePatch, testFilesOf } from '../mutants/patch.js';
import { tryNone, tryPatch, verdictOf } from '../mutants/verdict.js';

const QUORUM = 'server/src/store/redlock/coordinator/quorum.ts';
const TEST = 'is more than half';
const NEEDED = 'return Math.floor(n / 2) + 1;';

function patch(changes: Partial<Patch> = {}): Patch {
  const tests = ['test/unit/redlock-quorum.test.ts'];
  return {
    id: 'x',
    title: 'x',
    file: QUORUM,
    original: NEEDED,
    replacement: 'return 1;',
    tests,
    test: TEST,
    ...changes,
  };
}

describe('a patch on load', () => {
  it('is noticed by the test it names, and that test alone', async () => {
    expect(await tryPatch(patch())).to.deep.include({ kind: 'noticed', by: `a quorum ${TEST}` });
    expect(await tryNone([patch()])).to.deep.equal([]);
  });

  it('that changes nothing that matters shows nothing', async () => {
    const verdict = await tryPatch(patch({ replacement: 'return 1 + Math.floor(n / 2);' }));
    expect(verdict).to.deep.equal({ kind: 'failed', why: `the guard is off, and "${TEST}" passes all the same` });
  });

  it('that does not compile shows nothing', async () => {
    const verdict = await tryPatch(patch({ replacement: 'return (;' }));
    expect(verdict).to.include({ kind: 'failed' });
    expect(verdict.kind === 'failed' && verdict.why).to.match(/^no test ran: .*quorum\.ts.*ERROR/s);
  });

  it('fits only where its text stands exactly once', async () => {
    expect(misfit(patch())).to.equal(undefined);
    const gone = 'the text to replace is found 0 times in';
    expect(misfit(patch({ original: 'no such line' }))).to.match(new RegExp(`^${gone}`));
    expect(misfit(patch({ original: 'return' }))).to.match(/is found \d+ times in .*, not once: bring the patch up/);
    expect(misfit(patch({ file: 'server/src/gone.ts' }))).to.equal('there is no server/src/gone.ts to patch');
    const tests = ['test/unit/gone.test.ts'];
    expect(misfit(patch({ tests }))).to.equal('there is no file of tests test/unit/gone.test.ts');
    expect(await tryPatch(patch({ original: 'no such line' }))).to.include({ kind: 'failed' });
  });
});

describe('the verdict on a patch', () => {
  const failed = (fullTitle: string, error: string) => [{ fullTitle, error }];

  for (const [what, run, why] of [
    ['there is no such test', { passed: [], failed: [], patched: true }, /^"is more than half" does not exist$/],
    [
      'its file is not loaded',
      { passed: [], failed: failed(TEST, 'Error'), patched: false },
      /^"is more than half" does not load server/,
    ],
    [
      'a name is not defined',
      { passed: [], failed: failed(TEST, 'ReferenceError: x is not defined'), patched: true },
      /^the patch breaks the source: ReferenceError/,
    ],
    [
      'Lua cannot compile it',
      { passed: [], failed: failed(TEST, 'Error: ERR Error compiling script (new function): x'), patched: true },
      /^the patch breaks the source: Error: ERR Error compiling/,
    ],
    [
      'a hook fails instead',
      { passed: [], failed: failed('"before each" hook', 'Error: x'), patched: true },
      /does not fail, but "before each" hook: Error: x$/,
    ],
  ] as const) {
    it(`is against it where ${what}`, () => {
      const verdict = verdictOf(patch(), { kind: 'ran', ...run } satisfies MochaRun);
      expect(verdict.kind === 'failed' && verdict.why).to.match(why);
    });
  }
});

describe('a file of a patch', () => {
  const json = (changes: object): string => {
    const { tests, ...named } = patch();
    expect(tests).to.have.length(1);
    return JSON.stringify({ ...named, ...changes });
  };

  it('names a test, and finds the file that has it', () => {
    const named = parsePatch(json({ test: 'of an even number is out of reach once half of them refuse' }));
    expect(testFilesOf(named)).to.deep.equal(['test/unit/redlock-quorum.test.ts']);
    expect(misfit(named)).to.equal(undefined);
    const unknown = parsePatch(json({ test: 'never a title' }));
    expect(misfit(unknown)).to.equal('no file below test/ has a test "never a title"');
  });

  it('names files, and leaves open which test fails', () => {
    const tests = ['test/unit/redlock-quorum.test.ts'];
    expect(parsePatch(json({ tests, test: undefined }))).to.deep.include({ tests, test: undefined });
  });

  it('has texts of several lines as lists of lines', () => {
    expect(parsePatch(json({ original: ['a', 'b'], replacement: [] }))).to.include({
      original: 'a\nb',
      replacement: '',
    });
  });

  for (const [changes, problem] of [
    [{ test: undefined }, /^names neither a test nor files of tests$/],
    [{ file: 'test/unit/redlock-quorum.test.ts' }, /^file ".*" is not a \.ts file below server\/src, client\/src or/],
    [{ file: 'server/src/../../x.ts' }, /^file ".*" is not/],
    [{ replacement: NEEDED }, /^original and replacement are the same$/],
    [{ original: '' }, /^original is empty$/],
    [{ original: 7 }, /^original must be a text or a list of texts$/],
    [{ title: '' }, /^title must be a text$/],
    [{ titel: 'x' }, /^field "titel" is not one of id, title, file, /],
  ] as const) {
    it(`is refused with ${JSON.stringify(changes)}`, () => {
      expect(() => parsePatch(json(changes))).to.throw(problem);
    });
  }
});
