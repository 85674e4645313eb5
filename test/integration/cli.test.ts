import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Client, connect } from '@holdfast/client';
import { expect } from 'chai';
import { holdfastOfTheProject, runHoldfast, startHoldfast } from '../support/holdfast-command.js';
import { blocksOf, pageText } from '../support/markdown-blocks.js';
import { ROOT } from '../support/project-root.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

describe('holdfast', function () {
  this.timeout(30_000);
  let server: ServerProcess;
  let client: Client;

  before(async () => {
    server = await startServer();
    client = await connect(server.address, { name: 'the other' });
  });

  after(async () => {
    await client.close();
    await server.stop();
  });

  const holdfast = (...args: readonly string[]): ReturnType<typeof runHoldfast> =>
    runHoldfast(args, { server: server.address });

  describe('run', () => {
    it('gives the command its token, lease and name, and returns its exit code', async () => {
      const script = 'echo "$HOLDFAST_TOKEN $HOLDFAST_LEASE_ID $HOLDFAST_NAME $1"; exit 5';
      const { code, stdout, stderr } = await holdfast('run', 'env', '--', 'sh', '-c', script, 'sh', '--json');
      expect(code).to.equal(5);
      expect(stderr).to.equal('');
      expect(stdout).to.match(/^[1-9]\d{15,} [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21} env --json\n$/);
    });

    it('gives the resource back when the command has ended', async () => {
      await holdfast('run', 'back', '--', 'true');
      const lease = await client.tryAcquire('back');
      expect(lease?.state).to.equal('held');
      await lease?.release();
    });

    for (const [what, command, code, remedy] of [
      ['that died of a signal', ['sh', '-c', 'kill -KILL $$'], 137, ''],
      [
        'that does not exist',
        ['no-such-command'],
        127,
        'holdfast: command not found: "no-such-command"; give its path',
      ],
      ['that cannot be run', ['/dev/null'], 126, 'holdfast: cannot run "/dev/null": it is not executable'],
      ['that is a directory', ['/tmp'], 126, 'holdfast: cannot run "/tmp": it is a directory; name the program in it'],
    ] as const) {
      it(`returns ${code} for a command ${what}`, async () => {
        const run = await holdfast('run', 'failing', '--', ...command);
        expect(run.code).to.equal(code);
        expect(run.stderr.startsWith(remedy)).to.equal(true);
        expect(run.stderr.split('\n').filter(Boolean)).to.have.length(remedy === '' ? 0 : 1);
        await (await client.tryAcquire('failing'))?.release();
      });
    }

    it('returns 75 when somebody holds the resource, and says who', async () => {
      const lease = await client.acquire('held');
      const [at, json] = await Promise.all([
        holdfast('run', 'held', '--', 'echo', 'never'),
        holdfast('--json', 'run', 'held', '--wait', '100ms', '--', 'echo', 'never'),
      ]);
      await lease.release();
      expect(at).to.include({ code: 75, stdout: '' });
      expect(at.stderr).to.match(/^holdfast: held is not free: held by "the other" for .+; wait longer with --wait\n$/);
      expect(json).to.include({ code: 75, stdout: '' });
      const [waiting, error] = json.stderr.trim().split('\n');
      expect(JSON.parse(waiting ?? '')).to.include({ event: 'waiting', resource: 'held' });
      expect(JSON.parse(error ?? '')).to.include({ event: 'error', code: 'WAIT_TIMEOUT', exitCode: 75 });
    });

    it('waits for the resource', async () => {
      const lease = await client.acquire('soon');
      const running = startHoldfast(['run', 'soon', '--wait', '20s', '--', 'printenv', 'HOLDFAST_TOKEN'], {
        server: server.address,
      });
      await running.wrote('soon is not free: held by "the other"');
      const { token } = lease;
      await lease.release();
      const { code, stdout } = await running.ended;
      expect(code).to.equal(0);
      expect(BigInt(stdout.trim()) > token).to.equal(true);
    });

    it('leaves the queue when it is interrupted', async () => {
      const lease = await client.acquire('queue');
      const running = startHoldfast(['run', 'queue', '--wait', '20s', '--', 'true'], { server: server.address });
      await running.wrote('waiting up to 20s');
      running.signal('SIGINT');
      expect(await running.ended).to.include({ code: 130 });
      await lease.release();
      expect((await client.tryAcquire('queue'))?.state).to.equal('held');
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`passes ${signal} on, and waits for the command to end`, async () => {
        const name = signal.slice(3);
        const script = `trap 'echo got ${name}; exit 3' ${name}; echo ready; while :; do read -r _ <> /dev/null || sleep 0.02; done`;
        const running = startHoldfast(['run', 'signals', '--', 'sh', '-c', script], { server: server.address });
        await running.wrote('ready');
        running.signal('SIGTSTP');
        await running.wrote('holdfast: not suspended: the lease would run out while the command runs on');
        running.signal(signal);
        const { code, stdout } = await running.ended;
        expect(stdout).to.equal(`ready\ngot ${name}\n`);
        expect(code).to.equal(3);
        await (await client.tryAcquire('signals'))?.release();
      });
    }

    for (const ttl of ['1ms', '2m']) {
      it(`says what a server allows, in the units of the option: ${ttl}`, async () => {
        const { code, stderr } = await holdfast('run', 'x', '--ttl', ttl, '--', 'true');
        expect(code).to.equal(64);
        expect(stderr).to.equal(`holdfast: --ttl is ${ttl}; the server allows 1s to 1m\n`);
      });
    }
  });

  describe('ls', () => {
    it('shows a table', async () => {
      const lease = await client.acquire('table/1');
      const waiting = client.acquire('table/1', { waitMs: 20_000 });
      const listed = await holdfast('ls', 'table/');
      await lease.release();
      await (await waiting).release();
      expect(listed).to.include({ code: 0, stderr: '' });
      const [head, row, ...rest] = listed.stdout.split('\n');
      expect(head).to.match(/^RESOURCE +HOLDER +TOKEN +STATE +AGE +REMAINING +WAITERS$/);
      expect(row).to.match(/^table\/1 +the other +\d{16,} +attached +\d+\.\ds +(30|2\d)s +1$/);
      expect(rest).to.deep.equal(['']);
    });

    it('prints one JSON array over all pages, with tokens as strings', async () => {
      const names = Array.from({ length: 1_001 }, (_, index) => `many/${index}`);
      const leases = await Promise.all(names.map((name) => client.acquire(name)));
      const { code, stdout } = await holdfast('ls', 'many/', '--json');
      const tokens = new Map(leases.map(({ name, token }) => [name, String(token)]));
      await Promise.all(leases.map((lease) => lease.release()));
      expect(code).to.equal(0);
      const listed: readonly { readonly name: string; readonly token: string }[] = JSON.parse(stdout);
      expect(new Map(listed.map(({ name, token }) => [name, token]))).to.deep.equal(tokens);
      expect(listed[0]).to.have.all.keys(
        ...['namespace', 'name', 'leaseId', 'token', 'clientName', 'sessionId', 'sessionState', 'grantedAt'],
        ...['ttlMs', 'remainingMs', 'waiters'],
      );
    });

    for (const args of [['ls'], ['ls', '--json'], ['--help']]) {
      it(`returns 74 and says why when its output cannot be written: ${args.join(' ')}`, async () => {
        const { program, args: sources } = holdfastOfTheProject();
        const script = '"$0" "$@" >/dev/full; echo "$?"';
        const { stdout, stderr } = await promisify(execFile)('sh', ['-c', script, program, ...sources, ...args], {
          env: { ...process.env, HOLDFAST_SERVER: server.address },
          cwd: ROOT,
        });
        const line = 'cannot write the output (no space left on the device); send it somewhere else';
        expect(stdout).to.equal('74\n');
        expect(stderr).to.include(line);
        expect(stderr.trim().split('\n')).to.have.length(1);
      });
    }

    it('keeps to its namespace unless told otherwise', async () => {
      const elsewhere = await connect(server.address, { namespace: 'billing' });
      await elsewhere.acquire('apart');
      const [here, there, all] = await Promise.all([
        holdfast('ls', 'apart'),
        runHoldfast(['ls', '--json'], { server: server.address, env: { HOLDFAST_NAMESPACE: 'billing' } }),
        holdfast('ls', 'apart', '--all-namespaces'),
      ]);
      await elsewhere.close();
      expect(here.stdout).to.equal('no leases on names that begin with "apart" in the namespace "default"\n');
      expect(JSON.parse(there.stdout)).to.have.length(1);
      expect(all.stdout).to.match(/^NAMESPACE +RESOURCE .*\nbilling +apart /);
    });
  });

  describe('without a server', () => {
    for (const args of [
      ['ls', '--json'],
      ['run', 'x', '--connect-timeout', '300ms', '--', 'true'],
    ]) {
      it(`returns 69 and says how to start one: ${args[0]}`, async () => {
        const run = await runHoldfast(args, { server: 'localhost:1' });
        expect(run).to.include({ code: 69, stdout: '' });
        const text =
          'no server at localhost:1 (connection refused); start one with: npx holdfast-server --listen localhost:1';
        expect(run.stderr).to.include(text);
        expect(run.stderr.trim().split('\n')).to.have.length(1);
      });
    }

    it('asks the next one where several are given', async () => {
      const run = await runHoldfast(['ls', 'none', '--server', 'localhost:1', '--server', server.address]);
      expect(run).to.include({ code: 0, stderr: '' });
    });
  });

  it('does what the first example of docs/cli.md says', async () => {
    const [example] = blocksOf('docs/cli.md', pageText('docs/cli.md')).filter(({ language }) => language === 'sh');
    const { program, args } = holdfastOfTheProject();
    const script = `set -e\nholdfast() { "${program}" ${args.join(' ')} "$@"; }\n${example?.text}`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script], {
      env: { ...process.env, HOLDFAST_SERVER: server.address },
      cwd: ROOT,
    });
    const [echoed, fenced, listed, ...all] = stdout.trim().split('\n');
    expect(echoed).to.equal('nobody else does this now');
    expect(fenced).to.match(/^fenced by [1-9]\d+$/);
    expect(listed).to.equal('no leases on names that begin with "orders/" in the namespace "default"');
    expect(JSON.parse(all.join('\n'))).to.be.an('array');
  });

  it('returns 64 and one line for a wrong command line', async () => {
    const run = await holdfast('run', 'x', '--ttll', '1s', '--', 'true');
    expect(run).to.include({
      code: 64,
      stdout: '',
      stderr: "holdfast: unknown option '--ttll' (Did you mean --ttl?)\n",
    });
  });
});
