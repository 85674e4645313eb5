import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ResourceAddress } from '../../support/client-process.js';
import { eventually, within } from '../../support/deadline.js';
import type { Entry, ResourceReady } from './resource-protocol.js';

const MAIN = fileURLToPath(new URL('./resource-main.ts', import.meta.url));
const PATIENCE_MS = 20_000;

/** The fenced resource, and the log that says what was really written. */
export class ResourceProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly file: string,
    readonly address: ResourceAddress,
  ) {}

  /** `unfenced`: takes every write, whatever its token, and notes what that broke. */
  static async start(file: string, mode: 'fenced' | 'unfenced'): Promise<ResourceProcess> {
    closeSync(openSync(file, 'a'));
    const child = fork(MAIN, [file, mode], { execArgv: ['--import', 'tsx', '-C', '@holdfast/source'] });
    const [ready] = (await within(PATIENCE_MS, 'the resource', once(child, 'message'))) as [ResourceReady];
    return new ResourceProcess(child, file, { host: '127.0.0.1', port: ready.port });
  }

  /** What it was asked for, in the order in which that came. */
  get log(): readonly Entry[] {
    const lines = readFileSync(this.file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
  }

  /** The entry of one operation. */
  entry(operation: string): Promise<Entry> {
    return eventually(PATIENCE_MS, `the write ${operation}`, () =>
      this.log.find((entry) => entry.operation === operation),
    );
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
