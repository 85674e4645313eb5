import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeProgram } from './node-program.js';
import { ROOT } from './project-root.js';

const MAIN = fileURLToPath(new URL('../../server/src/main.ts', import.meta.url));
/** Generous: a loaded machine compiles the sources first. */
const READY_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line of the server's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly event?: string;
  readonly [field: string]: unknown;
}

export interface ServerOptions {
  /** Flags besides those for addresses and data directory; a repeated flag wins. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a fresh one, removed by `stop`, or at the latest with the tests' process. One that is given stays. */
  readonly dataDir?: string;
  /** Flags for Node itself. */
  readonly nodeArgs?: readonly string[];
  /** A command that becomes another one, put before Node. */
  readonly inside?: readonly string[];
}

/** A server in a process of its own, ready to serve. */
export interface ServerProcess {
  /** `host:port` or `unix:path`, as the server bound it. */
  readonly address: string;
  /** The metrics endpoint; `undefined` when it is off. */
  readonly metricsUrl: string | undefined;
  readonly pid: number;
  readonly dataDir: string;
  /** Everything logged so far. */
  readonly logs: readonly LogLine[];
  /** Resolves when the process is gone. */
  readonly ended: Promise<ProcessEnd>;
  /** The first line that fits, logged already or to come. Rejects when the process ends first, or after 10 s. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends a signal; does not wait. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL by default; resolves when the process is gone. */
  kill(name?: NodeJS.Signals): Promise<ProcessEnd>;
  /** SIGTERM, and SIGKILL when that takes more than 10 s; then the temporary data directory is removed. */
  stop(): Promise<ProcessEnd>;
}

const living = new Set<ChildProcess>();
const temporary = new Set<string>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
  for (const directory of temporary) rmSync(directory, { recursive: true, force: true });
});

/** Starts a server from the sources on free ports and waits until it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? (await temporaryDirectory());
  const args = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir', dataDir];
  const child = spawnServer({ ...options, args: [...args, ...(options.args ?? [])] });
  const running = new RunningProcess(child, dataDir);
  try {
    const ready = await running.logged((line) => line.event === 'ready', READY_DEADLINE_MS);
    return running.server(ready);
  } catch (error) {
    // A directory that is given may be somebody else's.
    await (options.dataDir === undefined ? running.stop() : running.kill('SIGKILL'));
    throw error;
  }
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-'));
  temporary.add(directory);
  return directory;
}

/** What a run of the server that ends by itself left behind. */
export interface ServerRun extends ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the server with exactly these flags until it ends; kills it after 20 s. */
export async function runServer(options: ServerOptions): Promise<ServerRun> {
  const child = spawnServer(options);
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk;
  });
  const overdue = setTimeout(() => child.kill('SIGKILL'), READY_DEADLINE_MS);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(overdue);
  return { code, signal, ...output };
}

function spawnServer(options: ServerOptions): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST|OTEL)_/.test(name));
  const program = nodeProgram(MAIN, options.nodeArgs);
  const [command = '', ...args] = [...(options.inside ?? []), process.execPath, ...program, ...(options.args ?? [])];
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

class RunningProcess {
  readonly logs: LogLine[] = [];
  readonly ended: Promise<ProcessEnd>;
  #stderr = '';
  #rest = '';
  readonly #watchers = new Set<() => void>();

  constructor(
    private readonly child: ChildProcess,
    private readonly dataDir: string,
  ) {
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    child.stdout?.resume();
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
  }

  server(ready: LogLine): ServerProcess {
    const metrics = ready['metrics'];
    return {
      address: String(ready['address']),
      metricsUrl: typeof metrics === 'string' ? metrics : undefined,
      pid: Number(ready['pid']),
      dataDir: this.dataDir,
      logs: this.logs,
      ended: this.ended,
      logged: (fits) => this.logged(fits, STOP_DEADLINE_MS),
      signal: (name) => void this.child.kill(name),
      kill: (name = 'SIGKILL') => this.kill(name),
      stop: () => this.stop(),
    };
  }

  logged(fits: (line: LogLine) => boolean, deadlineMs: number): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        act();
      };
      const look = (): void => {
        const line = this.logs.find(fits);
        if (line !== undefined) settle(() => resolve(line));
      };
      const fail = (why: string): void => settle(() => reject(new Error(`${why}; the server wrote:\n${this.#stderr}`)));
      const timer = setTimeout(() => fail(`no such log line within ${deadlineMs} ms`), deadlineMs);
      this.#watchers.add(look);
      this.ended.then(({ code, signal }) => fail(`the server ended with ${code ?? signal}`), reject);
      look();
    });
  }

  kill(name: NodeJS.Signals): Promise<ProcessEnd> {
    this.child.kill(name);
    return this.ended;
  }

  async stop(): Promise<ProcessEnd> {
    // A stopped process gets its SIGTERM only when it runs again.
    this.child.kill('SIGCONT');
    this.child.kill('SIGTERM');
    const overdue = setTimeout(() => this.child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const end = await this.ended;
    clearTimeout(overdue);
    if (temporary.has(this.dataDir)) await rm(this.dataDir, { recursive: true, force: true });
    return end;
  }

  #take(chunk: string): void {
    this.#stderr += chunk;
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const parsed = parseLine(line);
      if (parsed !== undefined) this.logs.push(parsed);
    }
    for (const look of [...this.#watchers]) look();
  }
}

/** Lines that are not JSON come from Node itself; they stay visible in the errors. */
function parseLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
