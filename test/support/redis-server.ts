import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../bench/systems/free-port.js';
import { requireRedis } from './provide-redis.js';
import type { TestCertificates } from './redis-certificates.js';

/** Generous: a loaded machine starts several at once. */
const READY_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
/** Somebody else may take a port between its choice and its use. */
const START_ATTEMPTS = 3;
const KEPT_OUTPUT_CHARACTERS = 4_000;

export interface RedisOptions {
  /** Directives of `redis.conf` as flags, each with its values: `[['appendonly', 'yes']]`. Later ones win. */
  readonly directives?: readonly (readonly string[])[];
  /** Listens with TLS only, and demands a certificate of its clients. */
  readonly tls?: TestCertificates;
  /** Of the user `default`, which asks whether it is ready. */
  readonly password?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Variables besides those of the tests' process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A real Redis in a process of its own, on a port of its own on loopback, that keeps nothing unless it is told to. */
export interface RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:…`, or `rediss://localhost:…`; without a password. */
  readonly url: string;
  readonly directory: string;
  readonly pid: number;
  /** What it has written so far, at least the end of it. */
  readonly output: string;
  /** A client for the test itself, closed by `stop`. */
  readonly client: Redis;
  /** SIGKILL by default; resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stands still: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** On the same port, with what it has kept on its disk; kills the process first where it still runs. */
  restart(options?: { readonly empty?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

const living = new Set<ChildProcess>();
const directories = new Set<string>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Starts `count` of them at once. Installs Redis where it is missing and that is possible. */
export async function startRedisServers(count: number, options: RedisOptions = {}): Promise<readonly RedisServer[]> {
  requireRedis();
  const started = await Promise.allSettled(Array.from({ length: count }, () => startOne(options)));
  const servers = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return servers;
  await Promise.all(servers.map((server) => server.stop()));
  throw failed.reason;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  requireRedis();
  return startOne(options);
}

async function startOne(options: RedisOptions): Promise<RedisServer> {
  for (let attempt = 1; ; attempt += 1) {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
    directories.add(directory);
    const server = new RunningRedis(options.port ?? (await freePort()), directory, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      if (attempt >= START_ATTEMPTS || !server.output.includes('Address already in use')) throw error;
    }
  }
}

class RunningRedis implements RedisServer {
  readonly url: string;
  output = '';
  #child: ChildProcess | undefined;
  #client: Redis | undefined;

  constructor(
    readonly port: number,
    readonly directory: string,
    private readonly options: RedisOptions,
  ) {
    this.url = options.tls === undefined ? `redis://127.0.0.1:${port}` : `rediss://localhost:${port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get client(): Redis {
    this.#client ??= connect(this.url, this.options);
    return this.#client;
  }

  async start(): Promise<void> {
    const child = spawn('redis-server', this.#arguments(), {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.options.env },
    });
    living.add(child);
    this.#child = child;
    const ended = once(child, 'exit').then(([code, signal]) => {
      living.delete(child);
      throw new Error(`redis-server ended with ${code ?? signal}:\n${this.output}`);
    });
    ended.catch(() => undefined);
    const take = (chunk: string): void => {
      this.output = (this.output + chunk).slice(-KEPT_OUTPUT_CHARACTERS);
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    await Promise.race([this.#ready(), ended]);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    // A process that stands still is ended all the same.
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(overdue);
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async restart(options: { readonly empty?: boolean } = {}): Promise<void> {
    await this.kill();
    this.#disconnect();
    if (options.empty === true) {
      await rm(join(this.directory, 'data'), { recursive: true, force: true });
      await rm(join(this.directory, 'dump.rdb'), { force: true });
      await rm(join(this.directory, 'appendonlydir'), { recursive: true, force: true });
    }
    await this.start();
  }

  async stop(): Promise<void> {
    this.#disconnect();
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
    directories.delete(this.directory);
  }

  #arguments(): string[] {
    const { tls } = this.options;
    const port = String(this.port);
    const directives: readonly (readonly string[])[] = [
      ...(tls === undefined ? [['port', port]] : [['port', '0'], ['tls-port', port], ...tls.directives]),
      ['bind', '127.0.0.1'],
      ['dir', this.directory],
      ['save', ''],
      ['appendonly', 'no'],
      ['daemonize', 'no'],
      ...(this.options.password === undefined ? [] : [['requirepass', this.options.password]]),
      ...(this.options.directives ?? []),
    ];
    return directives.flatMap(([name = '', ...values]) => [`--${name}`, ...values]);
  }

  /** One that answers, and has loaded what it had. */
  async #ready(): Promise<void> {
    const endMs = performance.now() + READY_DEADLINE_MS;
    const client = connect(this.url, this.options);
    try {
      for (;;) {
        const answer = await client.ping().catch((error: unknown) => error);
        if (answer === 'PONG') return;
        if (performance.now() > endMs) throw new Error(`redis-server is not ready: ${answer}\n${this.output}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } finally {
      client.disconnect();
    }
  }

  #disconnect(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }
}

function connect(url: string, { password, tls }: RedisOptions): Redis {
  const client = new Redis(url, {
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ca: tls.ca, ...tls.client } }),
    retryStrategy: () => 20,
    maxRetriesPerRequest: 200,
    disableClientInfo: true,
  });
  // What fails is told by the command that fails.
  client.on('error', () => undefined);
  return client;
}
