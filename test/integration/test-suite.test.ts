import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';

/** Runs a made-up test file under the suite's own configuration. */
async function runSuite(body: string): Promise<{ readonly code: number; readonly output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-suite-'));
  try {
    const file = join(folder, 'made-up.test.mts');
    await writeFile(file, body);
    const mocha = spawn(process.execPath, [join(ROOT, 'node_modules/mocha/bin/mocha.js'), file], {
      cwd: join(ROOT, 'test'),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [output, [code]] = await Promise.all([text(mocha.stdout), once(mocha, 'close')]);
    return { code: code as number, output };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('test suite', () => {
  it('ends with one line for scripts and fails with its tests', async () => {
    const { code, output } = await runSuite("it('a', () => {}); it('b', () => { throw new Error(); });");
    expect(output).to.match(/\n1 passed, 1 failed\n$/);
    expect(code).not.to.equal(0);
  });

  it('passes when all its tests do', async () => {
    const { code, output } = await runSuite("it('a', () => {}); it('b', () => {});");
    expect(output).to.match(/\n2 passed, 0 failed\n$/);
    expect(code).to.equal(0);
  });

  for (const [what, body] of [
    ['no test', "describe('a', () => {});"],
    ['a skipped test', "it('a', () => {}); it.skip('b', () => {});"],
    ['a focused test', "it.only('a', () => {});"],
    ['a file that cannot be loaded', "import './gone.js';"],
  ] as const) {
    it(`fails for ${what}`, async () => {
      const { code, output } = await runSuite(body);
      expect(output.match(/^\d+ passed, \d+ failed$/gm)).to.have.length(1);
      expect(output).to.match(/(^|\n)[01] passed, 1 failed\n$/);
      expect(code).not.to.equal(0);
    });
  }

  it('fails for what a test leaves behind', async () => {
    const { code, output } = await runSuite(`
      import { spawn } from 'node:child_process';
      import { createServer } from 'node:net';
      it('rejects', () => { void Promise.reject(new Error('nobody looked')); });
      it('opens', () => { spawn('sleep', ['9']).unref(); createServer().listen(0, '127.0.0.1').unref(); });
      it('cleans up', () => { spawn('sleep', ['9']).kill(); });
    `);
    expect(output).to.match(/rejects: unhandled rejection: Error: nobody looked/);
    expect(output).to.match(/opens: left process \d+: sleep 9/);
    expect(output).to.match(/opens: left server on 127\.0\.0\.1:\d+/);
    expect(output).not.to.match(/cleans up: /);
    expect(output).to.match(/\n3 passed, 1 failed\n$/);
    expect(code).not.to.equal(0);
  });
});
