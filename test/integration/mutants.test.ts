import { expect } from 'chai';
import type { MochaRun } from '../mutants/mocha-run.js';
import { type Edit, misfit, type Patch, parsePatch, patchOfDiff, testFilesOf } from '../mutants/patch.js';
import { tryNone, tryPatch, verdictOf } from '../mutants/verdict.js';

const QUORUM = 'server/src/store/redlock/coordinator/quorum.ts';
const TEST = 'is more than half';
const TESTS = 'test/unit/redlock-quorum.test.ts';
const NEEDED = 'return Math.floor(n / 2) + 1;';

function patch({ tests, test = TEST, ...edit }: Partial<Edit> & Partial<Pick<Patch, 'test' | 'tests'>> = {}): Patch {
  const edits = [{ file: QUORUM, original: NEEDED, replacement: 'return 1;', ...edit }];
  return { id: 'x', title: 'x', edits, tests: tests ?? [TESTS], test, unseen: undefined };
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
      'it makes something fall over',
      {
        passed: [],
        failed: failed(TEST, "TypeError: Cannot read properties of undefined (reading 'x')"),
        patched: true,
      },
      /^the patch breaks the source: TypeError/,
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
    const [edit] = patch().edits;
    return JSON.stringify({ id: 'x', title: 'x', ...edit, test: TEST, ...changes });
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
    const { edits } = parsePatch(json({ original: ['a', 'b'], replacement: [] }));
    expect(edits).to.deep.equal([{ file: QUORUM, original: 'a\nb', replacement: '' }]);
  });

  it('has several edits where a guard stands in several places', () => {
    const edits = [
      { file: QUORUM, original: NEEDED, replacement: 'return 1;' },
      { file: QUORUM, original: 'const MAX_NODES = 9;', replacement: 'const MAX_NODES = 8;' },
    ];
    const several = parsePatch(JSON.stringify({ id: 'x', title: 'x', edits }));
    expect(several.edits).to.deep.equal(edits);
    expect(misfit(several)).to.equal(undefined);
  });

  it('may be a unified diff', () => {
    const diff = [
      'diff --git a/server/src/x.ts b/server/src/x.ts',
      '--- a/server/src/x.ts',
      '+++ b/server/src/x.ts',
      '@@ -1,3 +1,2 @@ function x() {',
      ' kept',
      '-taken away',
      ' kept, too',
      '@@ -9 +8 @@',
      '-old',
      '+new',
      '',
    ].join('\n');
    const file = 'server/src/x.ts';
    expect(patchOfDiff('x', diff)).to.deep.include({
      id: 'x',
      edits: [
        { file, original: 'kept\ntaken away\nkept, too', replacement: 'kept\nkept, too' },
        { file, original: 'old', replacement: 'new' },
      ],
    });
    expect(() => patchOfDiff('x', 'no diff')).to.throw('has no hunk of a unified diff');
  });

  for (const [changes, problem] of [
    [{ edits: [] }, /^has edits besides a file, original or replacement$/],
    [{ unseen: '' }, /^unseen must be a text$/],
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
