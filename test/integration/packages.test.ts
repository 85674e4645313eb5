import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';

const DEFAULT_ADDRESS = 'localhost:7420';

/** What a package may contain, besides its manifest. */
const CONTENTS: ReadonlyMap<string, RegExp> = new Map([
  ['protocol', /^dist\/(index|gen\/.+)\.(js|d\.ts)$|^(holdfast|google)\/.+\.proto$|^gen\/holdfast\.binpb$/],
  ['client', /^dist\/.+\.(js|d\.ts)$/],
  ['server', /^dist\/.+\.(js|d\.ts)$/],
]);

/** The first example in TypeScript that a reader meets. */
function example(): string {
  const page = ['README.md', 'client/README.md'].map((path) => join(ROOT, path)).find(existsSync) ?? '';
  const block = [...readFileSync(page, 'utf8').matchAll(/^```ts\n(.*?)^```/gms)]
    .map((match) => match[1] ?? '')
    .find((code) => code.includes("from '@holdfast/client'"));
  if (block === undefined) throw new Error(`${page} has no example in TypeScript`);
  return block;
}

/** The same for plain JavaScript; `imported` makes `connect` known. */
function plainExample(imported: string): string {
  return `${imported}
async function main() {
  const client = await connect('${DEFAULT_ADDRESS}', { name: 'plain' });
  try {
    await client.using('orders/43', { ttlMs: 5_000, waitMs: 1_000 }, async (lease) => {
      if (typeof lease.token !== 'bigint') throw new TypeError('a token is a bigint');
      lease.assertHeld();
    });
  } finally {
    await client[Symbol.asyncDispose]();
  }
}
main().then(() => console.log('done'));
`;
}

/** Runs a program to its end; rejects, with what it wrote, when it fails. */
async function run(folder: string, program: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

describe('packages', () => {
  let folder: string;
  let project: string;

  before(async function () {
    this.timeout(120_000);
    folder = await mkdtemp(join(tmpdir(), 'holdfast-packages-'));
    project = join(folder, 'project');
    await mkdir(project);
    await run(ROOT, join(ROOT, 'scripts/pack'), folder);
    const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz')).map((name) => `../${name}`);
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    // Install scripts are switched off: nothing may depend on them.
    await run(
      project,
      'npm',
      'install',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      ...tarballs,
    );
  });

  after(() => rm(folder, { recursive: true }));

  const installed = (name: string, ...path: readonly string[]): string =>
    join(project, 'node_modules/@holdfast', name, ...path);

  for (const [name, allowed] of CONTENTS) {
    it(`${name}: has what it needs and nothing else`, async () => {
      const entries = await readdir(installed(name), { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(installed(name).length + 1));
      const manifest = readFileSync(installed(name, 'package.json'), 'utf8');
      expect(files).to.include.members(['LICENSE', 'README.md', 'package.json']);
      expect(files.filter((file) => allowed.test(file))).not.to.be.empty;
      expect(
        files.filter((file) => !allowed.test(file) && !['LICENSE', 'README.md', 'package.json'].includes(file)),
      ).to.deep.equal([]);
      expect(readFileSync(installed(name, 'LICENSE'), 'utf8')).to.contain('Apache License');
      expect(manifest).not.to.match(/"scripts"|@holdfast\/source/);
    });
  }

  for (const command of ['holdfast', 'holdfast-server']) {
    it(`${command}: knows its version`, async () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const output = await run(project, join(project, 'node_modules/.bin', command), '--version');
      expect(output.trim()).to.equal(version);
    });
  }

  it('protocol: gives other tools its descriptor set', async () => {
    const script =
      "console.log(require('node:fs').statSync(require.resolve('@holdfast/protocol/descriptor')).size > 0)";
    expect(await run(project, process.execPath, '--input-type=commonjs', '-e', script)).to.equal('true\n');
  });

  it('fit the types of TypeScript projects, as ES modules and as CommonJS', async function () {
    this.timeout(30_000);
    await writeFile(join(project, 'example.ts'), example());
    await writeFile(
      join(project, 'common.cts'),
      "import { connect } from '@holdfast/client';\nexport const opened: Promise<AsyncDisposable> = connect('a', { name: 'b' });\n",
    );
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['example.ts', 'common.cts'] }),
    );
    await run(project, join(ROOT, 'node_modules/.bin/tsc'), '-p', '.');
  });

  it('work together: installed server, and clients in TypeScript, ES modules and CommonJS', async function () {
    this.timeout(60_000);
    const server = spawn(
      join(project, 'node_modules/.bin/holdfast-server'),
      ['--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--data-dir', join(folder, 'data')],
      { cwd: project, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const closed = once(server, 'close');
    try {
      const address = await readyAddress(server.stderr);
      const write = (name: string, body: string): Promise<void> =>
        writeFile(join(project, name), body.replaceAll(DEFAULT_ADDRESS, address));
      await write('example.ts', example());
      await write('module.mjs', plainExample("import { connect } from '@holdfast/client';"));
      await write('common.cjs', plainExample("const { connect } = require('@holdfast/client');"));
      const outputs = await Promise.all([
        run(project, process.execPath, '--import', import.meta.resolve('tsx'), 'example.ts'),
        run(project, process.execPath, 'module.mjs'),
        run(project, process.execPath, 'common.cjs'),
      ]);
      expect(outputs.slice(1)).to.deep.equal(['done\n', 'done\n']);
    } finally {
      server.kill();
    }
    expect(await closed).to.deep.equal([0, null]);
  });
});

/** The address in the server's `ready` line; rejects when it ends without one. */
async function readyAddress(log: NodeJS.ReadableStream): Promise<string> {
  const seen: string[] = [];
  for await (const line of createInterface({ input: log })) {
    seen.push(line);
    const entry: { readonly event?: string; readonly address?: string } = line.startsWith('{') ? JSON.parse(line) : {};
    if (entry.event === 'ready' && entry.address !== undefined) {
      log.resume();
      return entry.address;
    }
  }
  throw new Error(`the server did not get ready:\n${seen.join('\n')}`);
}
