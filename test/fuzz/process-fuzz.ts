import { readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../simulation/seeded-random.js';
import { eventually, within } from '../support/deadline.js';
import { runServer, type ServerProcess, startServer } from '../support/server-process.js';
import { acquire, WireClient } from '../wire/support/wire-client.js';
import { Violation } from './dues.js';
import { hostileConnection } from './hostile-connections.js';
import { ProcessSessionRun } from './process-session-run.js';
import { randomSettings } from './random-settings.js';
import { randomSteps } from './random-steps.js';

/** Short times, so that what a batch leaves is gone soon. */
const ARGS = [
  ...['--max-ttl', '2s', '--default-ttl', '1s', '--grace', '1s', '--max-frames-per-message', '16'],
  ...['--max-requests-per-session', '8'],
];
const LIMITS = {
  minTtlMs: 1_000,
  maxTtlMs: 2_000,
  maxNameBytes: 256,
  maxFramesPerMessage: 16,
  maxRequestsPerSession: 8,
};
const BATCH = { connections: 40, sequences: 12 };
const PROBE_MS = 5_000;
const QUIET_MS = 15_000;
/** How much memory a server may have more than before the first batch. */
const MORE_MEMORY_BYTES = 150 * 1_024 * 1_024;
const GAUGES = /^(holdfast_(?:sessions|streams|leases|waiters|resources)(?:\{[^}]*\})?) (\S+)$/gm;

/** What was tried against processes. */
export interface Tried {
  connections: number;
  sequences: number;
  commandLines: number;
  readonly memoryBytes: number[];
}

/** A server process that is pestered in batches, and has to be as before after each of them. */
export class ProcessFuzz {
  readonly tried: Tried = { connections: 0, sequences: 0, commandLines: 0, memoryBytes: [] };
  /** As it was before the first batch. */
  readonly #baseline = { sockets: 0, memoryBytes: 0 };

  private constructor(private readonly server: ServerProcess) {}

  static async start(): Promise<ProcessFuzz> {
    const fuzz = new ProcessFuzz(await startServer({ args: ARGS }));
    await fuzz.#probe();
    fuzz.#baseline.sockets = fuzz.#sockets();
    fuzz.#baseline.memoryBytes = await fuzz.#memoryBytes();
    return fuzz;
  }

  /** Hostile connections and sequences at the same time; then the server must be as it was. */
  async batch(seed: number, size = BATCH): Promise<void> {
    const random = new SeededRandom(seed);
    const port = Number(this.server.address.split(':').at(-1));
    const connections = Array.from({ length: size.connections }, () => hostileConnection(port, random.fork()));
    const sequences = Array.from({ length: size.sequences }, async (_, at) => {
      const tag = `${(seed & 0xff_ffff).toString(16).padStart(6, '0')}${at.toString(16).padStart(4, '0')}`;
      const steps = randomSteps(random.next(), {
        mangled: at % 3 === 0 ? 0.3 : 0,
        longestMs: 400,
        storeTroubles: false,
      });
      await new ProcessSessionRun(this.server.address, LIMITS, tag).play(steps);
    });
    const outcomes = await Promise.allSettled([...connections, ...sequences]);
    this.tried.connections += size.connections;
    this.tried.sequences += size.sequences;
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await this.#probe();
    await this.#isQuiet();
  }

  /** A command line in a process of its own: it is right, or refused in a documented way. */
  async commandLine(seed: number): Promise<void> {
    const { args, environment } = randomSettings(new SeededRandom(seed), true);
    const dataDir = join(tmpdir(), 'holdfast-fuzz-never-made');
    const free = ['--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--data-dir', dataDir];
    const { code, signal, stderr } = await runServer({ args: ['--check', ...free, ...args], env: environment });
    this.tried.commandLines += 1;
    const wanted = code === 0 ? /^(holdfast-server: .*\n)*$/ : /^holdfast-server: /;
    if (signal !== null || code === null || code > 3 || !wanted.test(stderr) || /^ +at /m.test(stderr)) {
      throw new Violation(
        `${JSON.stringify(args)} ${JSON.stringify(environment)}: ended with ${code ?? signal}: ${stderr}`,
      );
    }
  }

  async stop(): Promise<void> {
    const { code } = await this.server.stop();
    if (code !== 0) throw new Violation(`the server ended with ${code}`);
    const complaint = this.server.logs.find(({ level }) => level === 'error' || level === 'fatal');
    if (complaint !== undefined) throw new Violation(`the server logged ${JSON.stringify(complaint)}`);
  }

  /** Somebody who keeps to the rules is served. */
  async #probe(): Promise<void> {
    const client = new WireClient(this.server.address);
    try {
      const stream = await within(PROBE_MS, 'a session for a probe', client.openSession());
      stream.write({ id: 2, kind: acquire('probe') });
      const answer = await within(PROBE_MS, 'an answer to a probe', stream.answer(2));
      if (answer.kind?.$case !== 'granted') throw new Violation(`a probe is answered with ${answer.kind?.$case}`);
      stream.write({ id: 3, kind: { $case: 'close', value: {} } });
      await within(PROBE_MS, 'the end of a probe', stream.ended());
    } finally {
      client.close();
    }
  }

  /** Nothing is left of a batch: gauges, sockets, memory. */
  async #isQuiet(): Promise<void> {
    let left = '';
    await eventually(QUIET_MS, 'quiet', async () => {
      const metrics = await this.#metrics();
      const gauges = [...metrics.matchAll(GAUGES)].filter(([, , value]) => Number(value) !== 0).map(([line]) => line);
      const sockets = this.#sockets();
      left = [...gauges, ...(sockets > this.#baseline.sockets ? [`${sockets} sockets`] : [])].join(', ');
      return left === '' ? true : undefined;
    }).catch(() => {
      throw new Violation(`of a batch is left: ${left}`);
    });
    const memoryBytes = await this.#memoryBytes();
    this.tried.memoryBytes.push(memoryBytes);
    const more = memoryBytes - this.#baseline.memoryBytes;
    if (more > MORE_MEMORY_BYTES)
      throw new Violation(`${Math.round(more / 1_048_576)} MiB more than before the first batch`);
  }

  async #metrics(): Promise<string> {
    const { metricsUrl } = this.server;
    if (metricsUrl === undefined) throw new Error('the server has no metrics');
    const response = await fetch(metricsUrl, { headers: { connection: 'close' } });
    return await response.text();
  }

  async #memoryBytes(): Promise<number> {
    return Number(/^holdfast_process_resident_memory_bytes(?:\{[^}]*\})? (\S+)$/m.exec(await this.#metrics())?.[1]);
  }

  #sockets(): number {
    const folder = `/proc/${this.server.pid}/fd`;
    const isSocket = (name: string): boolean => {
      try {
        return readlinkSync(join(folder, name)).startsWith('socket:');
      } catch {
        return false;
      }
    };
    return readdirSync(folder).filter(isSocket).length;
  }
}
