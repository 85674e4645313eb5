import { expect } from 'chai';
import { AMBIENT, ambientViolations, GRANTS } from './ambient.js';
import { sourceFile, sourceFiles } from './source-tree.js';

const product = sourceFiles().filter(({ path }) => /^(server|client)\/src\//.test(path));

const USES: readonly (readonly [name: string, text: string])[] = [
  ['Date.now', 'const t = Date.now();'],
  ['Date.now', 'const { wall = Date.now } = ports;'],
  ['new Date()', 'const t = new Date();'],
  ['performance', 'const t = performance.now();'],
  ['performance', 'const clock = virtual ? performance : other;'],
  ['hrtime', 'const t = process.hrtime.bigint();'],
  ['setTimeout', 'setTimeout(() => {}, 1);'],
  ['setTimeout', 'const later = setTimeout;'],
  ['setInterval', 'setInterval(f, 1);'],
  ['setImmediate', 'await new Promise((resolve) => setImmediate(resolve));'],
  ['nextTick', 'process.nextTick(f);'],
  ['AbortSignal.timeout', 'wait({ signal: AbortSignal.timeout(5) });'],
  ['globalThis', 'globalThis.setTimeout(f, 1);'],
  ['Math.random', 'const x = `${Math.random()}`;'],
  ['randomUUID', "import { randomUUID } from 'node:crypto';"],
  ['crypto', 'crypto.getRandomValues(bytes);'],
  ['node:timers/promises', "import { scheduler } from 'node:timers/promises';"],
  ['perf_hooks', "import { performance as p } from 'perf_hooks';"],
];

describe('clocks, timers and randomness', () => {
  it('are reached only in the files named for them', () => {
    expect(product.flatMap((file) => ambientViolations(file))).to.deep.equal([]);
  });

  it('are granted to no file that does without', () => {
    const ungranted = new Map<string, readonly string[]>();
    const used = product.flatMap((file) => ambientViolations(file, ungranted));
    for (const [path, names] of GRANTS) {
      for (const name of names) {
        expect(
          used.some((line) => line.startsWith(`${path}:`) && line.endsWith(`: ${name}`)),
          `${path} ${name}`,
        ).to.equal(true);
      }
    }
  });

  for (const [name, text] of USES) {
    it(`are seen: ${text}`, () => {
      expect(ambientViolations(sourceFile('server/src/core/a.ts', text))).to.include(`server/src/core/a.ts:1: ${name}`);
    });
  }

  it('are all tried here', () => {
    expect(USES.map(([name]) => name)).to.include.members([...AMBIENT.keys()]);
  });

  it('are not seen in comments, strings and members of ports', () => {
    const text = [
      '// Date.now()',
      "const a = 'setTimeout';",
      'const b = { setTimeout: 1 };',
      'this.clock.setTimeout(f);',
      'new Date(ms);',
      "import type { Timer } from 'node:timers';",
    ].join('\n');
    expect(ambientViolations(sourceFile('server/src/core/a.ts', text))).to.deep.equal([]);
  });
});
