import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '@holdfast/client';
import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import { type RunningCommand, startHoldfast } from '../support/holdfast-command.js';
import { listed } from '../support/listed.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const TTL_MS = 3_000;
const START_DEADLINE_MS = 15_000;
const NS_PER_MS = 1_000_000;

/** Works as long as it is allowed to: writes down when, by the clock all processes of the machine share. */
const STUBBORN = `
const { openSync, writeSync } = require('node:fs');
const file = openSync(process.argv[2], 'a');
const note = (what) => writeSync(file, what + ' ' + process.hrtime.bigint() + ' ' + process.pid + '\\n');
process.on('SIGTERM', () => note('term'));
note('begin');
setInterval(() => note('work'), 2);
`;

interface Note {
  readonly what: string;
  readonly atMs: number;
  readonly pid: number;
}

function notes(path: string): readonly Note[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [what = '', ns, pid] = line.split(' ');
    return { what, atMs: Number(ns) / NS_PER_MS, pid: Number(pid) };
  });
}

const nowMs = (): number => Number(process.hrtime.bigint()) / NS_PER_MS;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('holdfast run, when the lease cannot be kept,', function () {
  this.timeout(40_000);
  let folder: string;
  let server: ServerProcess;
  let client: Client | undefined;
  let log: string;
  /** Two processes that do not heed SIGTERM, one of them in the background. */
  let stubborn: readonly string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
    log = join(folder, 'log');
    const program = join(folder, 'stubborn.cjs');
    await writeFile(program, STUBBORN);
    await writeFile(log, '');
    const line = `"${process.execPath}" "${program}" "${log}"`;
    stubborn = ['sh', '-c', `trap '' TERM; ${line} & ${line}`];
    server = await startServer();
  });

  afterEach(async () => {
    await client?.close();
    client = undefined;
    await server.stop();
    for (const { pid } of notes(log)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true });
  });

  const start = (...options: readonly string[]): RunningCommand =>
    startHoldfast(['run', 'kept', '--ttl', `${TTL_MS}ms`, ...options, '--', ...stubborn], { server: server.address });

  const bothWork = (): Promise<unknown> =>
    eventually(START_DEADLINE_MS, 'both processes work', () =>
      notes(log).filter(({ what }) => what === 'begin').length === 2 ? true : undefined,
    );

  /** When the server's deadline for the lease is at the latest, told soon after an extension: none is due for a while. */
  const freshDeadlineMs = (): Promise<number> =>
    eventually(START_DEADLINE_MS, 'a lease just extended', async () => {
      const [lease] = await listed(server.address);
      return lease !== undefined && lease.remainingMs > TTL_MS * 0.8 ? nowMs() + lease.remainingMs : undefined;
    });

  const lastMs = (): number => Math.max(...notes(log).map(({ atMs }) => atMs));

  it('stops all of the command before the lease can be somebody else’s', async () => {
    const running = start('--kill-after', '500ms');
    await bothWork();
    const deadlineMs = await freshDeadlineMs();
    await server.kill();
    const { code, stderr } = await running.ended;

    expect(code).to.equal(76);
    expect(stderr).to.match(/^holdfast: cannot keep kept: no extension came; stopping the command, 0\.\ds left$/m);
    expect(stderr).to.match(/^holdfast: killed the command: its lease on kept is over$/m);
    expect(lastMs()).to.be.below(deadlineMs);
    const terms = notes(log).filter(({ what }) => what === 'term');
    expect(new Set(terms.map(({ pid }) => pid)).size).to.equal(2);
    for (const { atMs } of terms) expect(deadlineMs - atMs).to.be.above(400);
    for (const { pid } of notes(log)) expect(isAlive(pid)).to.equal(false);
  });

  it('lets a command that heeds SIGTERM end in its own way, and says 76 all the same', async () => {
    const script = "trap 'echo tidied; exit 0' TERM; echo ready; sleep 60 & wait";
    const running = startHoldfast(['run', 'kept', '--ttl', `${TTL_MS}ms`, '--', 'sh', '-c', script], {
      server: server.address,
    });
    await running.wrote('ready');
    const deadlineMs = await freshDeadlineMs();
    await server.kill();
    await running.wrote('tidied');
    expect(nowMs()).to.be.below(deadlineMs);
    const { code, stdout, stderr } = await running.ended;
    expect(code).to.equal(76);
    expect(stdout).to.equal('ready\ntidied\n');
    expect(stderr).to.not.include('killed');
  });

  it('kills the command at once when it was stopped itself beyond the validity', async () => {
    const running = start();
    await bothWork();
    running.signal('SIGSTOP');
    // Somebody else gets the resource: the validity is over.
    client = await connect(server.address);
    const next = await client.acquire('kept', { waitMs: 15_000 });
    const [first] = notes(log);
    expect(first).to.not.equal(undefined);
    // Nothing could stop the command meanwhile.
    const grantedMs = nowMs();
    await eventually(START_DEADLINE_MS, 'the command works on', () => (lastMs() > grantedMs ? true : undefined));
    const continuedMs = nowMs();
    running.signal('SIGCONT');
    const { code, stderr } = await running.ended;
    expect(code).to.equal(76);
    expect(stderr).to.equal('holdfast: killed the command: its lease on kept is over\n');
    expect(lastMs() - continuedMs).to.be.below(500);
    expect(notes(log).filter(({ what }) => what === 'term')).to.deep.equal([]);
    expect(next.state).to.equal('held');
  });

  it('leaves no command behind when it ends by a fault of its own', async () => {
    const running = startHoldfast(['run', 'kept', '--', ...stubborn], {
      server: server.address,
      env: { NODE_OPTIONS: `--import="data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('boom')})"` },
    });
    await bothWork();
    running.signal('SIGUSR2');
    const { code, stderr } = await running.ended;
    expect(code).to.equal(70);
    expect(stderr).to.match(/^holdfast: unexpected: Error: boom/);
    await eventually(START_DEADLINE_MS, 'both processes are gone', () =>
      notes(log).some(({ pid }) => isAlive(pid)) ? undefined : true,
    );
  });
});
