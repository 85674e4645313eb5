import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const GRANTER = fileURLToPath(new URL('embedded-granter.ts', import.meta.url));
const NODE = ['--import', 'tsx', '--conditions', '@holdfast/source', GRANTER];

/** What a killed process had told its clients. */
export interface Told {
  readonly plain: readonly { readonly name: string; readonly token: bigint }[];
  /** Holders of the hot resource, in order. */
  readonly hot: readonly { readonly secret: string; readonly token: bigint }[];
  /** The last of them has not said Release. */
  readonly hotHolderBelieves: boolean;
}

/** A granter in a process of its own, and every complete line it has said. */
export class GranterProcess {
  static readonly #living = new Set<GranterProcess>();
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #onLine: () => void = () => undefined;

  /** `wrapper` is a command and arguments to start Node with. */
  constructor(args: readonly string[], wrapper: readonly string[] = []) {
    const [command = process.execPath, ...rest] = [...wrapper, process.execPath, ...NODE, ...args];
    this.#child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
    GranterProcess.#living.add(this);
    this.#closed = once(this.#child, 'close').then(() => GranterProcess.#living.delete(this));
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the child has no standard output');
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#onLine();
    });
  }

  /** Ends what a failed test left behind. */
  static async killAll(): Promise<void> {
    await Promise.all([...GranterProcess.#living].map((granter) => granter.kill()));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when so many lines were said; rejects when the process ends before. */
  async said(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#onLine = () => {
        if (this.lines.length >= count) resolve();
      };
      this.#onLine();
    });
    const ended = this.#closed.then(() => {
      if (this.lines.length < count) throw new Error(`the granter ended after: ${this.lines.slice(-3).join(' | ')}`);
    });
    await Promise.race([enough, ended]);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves with the exit code, or the signal that ended it, when the process is gone and all it said was read. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#closed;
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#closed;
  }

  told(): Told {
    const words = this.lines.map((line) => line.split(' '));
    const plain = words
      .filter(([kind]) => kind === 'plain')
      .map(([, name = '', , token = '']) => ({ name, token: BigInt(token) }));
    const hot = words
      .filter(([kind]) => kind === 'told')
      .map(([, secret = '', token = '']) => ({ secret, token: BigInt(token) }));
    const released = new Set(words.filter(([kind]) => kind === 'released').map(([, secret]) => secret));
    const last = hot.at(-1);
    return { plain, hot, hotHolderBelieves: last !== undefined && !released.has(last.secret) };
  }
}
