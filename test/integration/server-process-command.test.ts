import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type LogLine, runServer, type ServerRun, startServer } from '../support/server-process.js';

describe('holdfast-server, run to its end', function () {
  this.timeout(30_000);
  let folder: string;
  let taken: Server;
  let takenPort: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-command-'));
    taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    takenPort = typeof address === 'object' && address !== null ? address.port : 0;
  });

  after(async () => {
    taken.close();
    await rm(folder, { recursive: true });
  });

  const run = (...args: readonly string[]): Promise<ServerRun> => runServer({ args });

  /** What it said last, which must be one fatal line. */
  function refusal({ stderr }: ServerRun): string {
    const lines = stderr.trimEnd().split('\n');
    expect(lines).to.have.lengthOf(1);
    const line = JSON.parse(lines[0] ?? '') as LogLine;
    expect(line).to.include({ level: 'fatal', event: 'start_refused' });
    return String(line['reason']);
  }

  it('helps', async () => {
    const { code, stdout, stderr } = await run('--help');
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout)
      .to.match(/^Usage: holdfast-server/)
      .and.to.match(/--listen <address>/)
      .and.to.match(/Exit codes:/);
  });

  it('knows its version', async () => {
    const { code, stdout } = await run('--version');
    expect(code).to.equal(0);
    expect(stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('ends with 2 for an unknown flag and proposes the right one', async () => {
    const { code, stdout, stderr } = await run('--data-dri', folder);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.include("unknown option '--data-dri'").and.to.include('--data-dir');
  });

  it('ends with 2 and the whole list for a wrong configuration, and touches nothing', async () => {
    const dataDir = join(folder, 'never');
    const args = ['--data-dir', dataDir, '--listen', '0.0.0.0:0', '--grace', '3'];
    const { code, stderr } = await runServer({ args, env: { HOLDFAST_MAX_TTL: 'forever' } });
    expect(code).to.equal(2);
    expect(stderr).to.match(/^holdfast-server: 3 settings are wrong/);
    for (const part of ['--listen: "0.0.0.0:0"', '--insecure', '--grace: "3"', 'the variable HOLDFAST_MAX_TTL']) {
      expect(stderr).to.include(part);
    }
    expect(await readdir(folder)).to.not.include('never');
  });

  it('ends with 1 and the remedy when Node.js is too old, before it imports anything', async () => {
    const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.20.4'})";
    const { code, stderr, stdout } = await runServer({ args: ['--version'], nodeArgs: ['--import', old] });
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.match(/^holdfast-server: Node\.js 18\.20\.4 is too old: install 20\.19\.0 or later.*\n$/);
  });

  it('ends with 1 when the port is in use, naming it and the flag', async () => {
    const run1 = await run(
      '--listen',
      `127.0.0.1:${takenPort}`,
      '--metrics-listen',
      'off',
      '--data-dir',
      join(folder, 'a'),
    );
    expect(run1.code).to.equal(1);
    expect(refusal(run1)).to.include(String(takenPort)).and.to.include('--listen');
  });

  it('ends with 1 when the port for metrics is in use, naming it and the flag', async () => {
    const args = [
      '--listen',
      '127.0.0.1:0',
      '--metrics-listen',
      `127.0.0.1:${takenPort}`,
      '--data-dir',
      join(folder, 'b'),
    ];
    const outcome = await run(...args);
    expect(outcome.code).to.equal(1);
    expect(refusal(outcome)).to.include(String(takenPort)).and.to.include('--metrics-listen');
  });

  it('ends with 3 when the data directory is in use, naming the process', async () => {
    const server = await startServer();
    try {
      const args = ['--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--data-dir', server.dataDir];
      const outcome = await run(...args);
      expect(outcome.code).to.equal(3);
      expect(refusal(outcome)).to.include(server.dataDir).and.to.include(String(server.pid));
    } finally {
      await server.stop();
    }
  });

  it('ends with 3 when the data directory is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const outcome = await run('--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--data-dir', file);
    expect(outcome.code).to.equal(3);
    expect(refusal(outcome)).to.include(file).and.to.include('--data-dir');
  });

  describe('--check', () => {
    const free = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];

    it('prints what is in effect and starts nothing', async () => {
      const dataDir = join(folder, 'checked');
      const args = ['--check', '--data-dir', dataDir, ...free];
      const { code, stdout, stderr } = await runServer({ args, env: { HOLDFAST_GRACE: '5s' } });
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.match(/^grace +5s +the variable HOLDFAST_GRACE$/m);
      expect(stdout).to.match(/^data-dir +\S+checked +the flag --data-dir$/m);
      expect(stdout).to.match(/^max-ttl +1m +the default$/m);
      expect(await stat(dataDir).catch(() => undefined)).to.equal(undefined);
    });

    it('leaves the folders above a data directory as they were', async () => {
      const { code } = await run('--check', '--data-dir', join(folder, 'not', 'there', 'yet'), ...free);
      expect(code).to.equal(0);
      expect(await readdir(folder)).to.not.include('not');
      const empty = join(folder, 'empty');
      await mkdir(empty);
      expect((await run('--check', '--data-dir', empty, ...free)).code).to.equal(0);
      expect(await readdir(folder)).to.include('empty');
    });

    it('ends with 3 when a directory cannot be made there, for the reason a start gives', async () => {
      const args = ['--data-dir', '/proc/nope', ...free];
      const checked = await run('--check', ...args);
      const started = await run(...args);
      expect([checked.code, started.code]).to.deep.equal([3, 3]);
      expect(checked.stderr).to.equal(`holdfast-server: ${refusal(started)}\n`);
    });

    it('mentions a variable that is probably misspelt', async () => {
      const args = ['--check', '--data-dir', folder, ...free];
      const { code, stderr } = await runServer({ args, env: { HOLDFAST_MINTTL: '5s' } });
      expect(code).to.equal(0);
      expect(stderr).to.match(/^holdfast-server: HOLDFAST_MINTTL .*\n$/);
    });

    it('ends with 3 when another server uses the data directory, naming it', async () => {
      const server = await startServer();
      try {
        const { code, stderr } = await run('--check', '--data-dir', server.dataDir, ...free);
        expect(code).to.equal(3);
        expect(stderr).to.include(server.dataDir).and.to.include(String(server.pid));
      } finally {
        await server.stop();
      }
    });

    it('ends with 1 when an address is taken', async () => {
      const { code, stderr } = await run(
        '--check',
        '--data-dir',
        folder,
        ...free,
        '--listen',
        `127.0.0.1:${takenPort}`,
      );
      expect(code).to.equal(1);
      expect(stderr).to.include(`127.0.0.1:${takenPort} is in use`).and.to.include('--listen');
    });

    it('ends with 3 when the data directory cannot be one', async () => {
      const file = join(folder, 'plain');
      await writeFile(file, '');
      const { code, stderr } = await run('--check', '--data-dir', join(file, 'below'), ...free);
      expect(code).to.equal(3);
      expect(stderr).to.include(file).and.to.include('--data-dir');
    });
  });
});
