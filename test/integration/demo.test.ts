import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import { eventually, within } from '../support/deadline.js';
import { ROOT } from '../support/project-root.js';

const RUN_MS = 45_000;
const GONE_MS = 5_000;

/** The demo as `make demo` starts it. */
class Demo {
  output = '';
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #ended: Promise<unknown[]>;

  constructor(...args: readonly string[]) {
    const command = ['--import', 'tsx', '--conditions', '@holdfast/source', 'demo/main.ts', ...args];
    this.#child = spawn(process.execPath, command, { cwd: join(ROOT, 'test'), stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
    });
    this.#ended = once(this.#child, 'close');
  }

  async ended(): Promise<unknown> {
    const [code] = await within(RUN_MS, 'the end of the demo', this.#ended);
    return code;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The processes it told of. */
  get pids(): readonly number[] {
    const told = this.output.matchAll(/pid (\d+)|[a-z\d-]+ \((\d+)\)/g);
    return [...told].map(([, pid, other]) => Number(pid ?? other));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const allGone = (pids: readonly number[]): Promise<true> =>
  eventually(GONE_MS, `the end of ${pids}`, () => (pids.some(isAlive) ? undefined : true));

describe('the demo', function () {
  this.timeout(60_000);

  it('shows what it says, and leaves nothing running', async () => {
    const demo = new Demo();
    expect(await demo.ended(), demo.output).to.equal(0);
    for (const line of [
      /visitor +orders\/42 was not free within 200 ms: held by "ada" for \d+ ms; you were 3rd in line$/m,
      /✓ +ada's lease was extended without her doing/,
      /✓ +cleo got it when ben's lease had run out, not before$/m,
      /✓ +cleo's lease was resumed, with the same token \d{16,}$/m,
      /✓ +the resource refused her write: it has seen a higher token$/m,
      /✓ +assertHeld\(\) would have told her: it throws LeaseLostError$/m,
      /✓ +6 grants, each with a higher token than the one before$/m,
      /^All \d+ claims held\. Nothing is left running\.$/m,
    ]) {
      expect(demo.output).to.match(line);
    }
    // Two servers, three workers.
    expect(demo.pids).to.have.length(5);
    await allGone(demo.pids);
    // No colours, where nobody looks.
    expect(demo.output).to.not.include('\u001b');
  });

  it('shows it over Redis nodes, too, and that two of five may die', async () => {
    const demo = new Demo('--store', 'redlock');
    expect(await demo.ended(), demo.output).to.equal(0);
    for (const line of [
      /✓ +cleo's lease was resumed, with the same token \d{16,}$/m,
      /redis +redis-1 and redis-2 were killed/,
      /✓ +ada's lease is extended by the others: /,
      /✓ +it is the lease she had, with the token she had$/m,
      /✓ +8 grants, each with a higher token than the one before$/m,
      /^All \d+ claims held\. Nothing is left running\.$/m,
    ]) {
      expect(demo.output).to.match(line);
    }
    // Five nodes, two servers, three workers.
    expect(demo.pids).to.have.length(10);
    await allGone(demo.pids);
  });

  it('says what it can be told', async () => {
    const demo = new Demo('--store', 'paper');
    expect(await demo.ended()).to.equal(64);
  });

  it('fails when the resource does not check tokens', async () => {
    const demo = new Demo('--no-token-check');
    expect(await demo.ended(), demo.output).to.equal(1);
    expect(demo.output).to.include('Not so: the resource refused her write: it has seen a higher token');
    expect(demo.pids).to.have.length(3);
    await allGone(demo.pids);
  });

  it('takes its processes along when it is interrupted', async () => {
    const demo = new Demo();
    await eventually(RUN_MS, 'workers', () => (demo.output.includes('are connected') ? true : undefined));
    demo.signal('SIGINT');
    expect(await demo.ended()).to.equal(130);
    expect(demo.pids).to.have.length(4);
    await allGone(demo.pids);
  });
});
