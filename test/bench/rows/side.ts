import type { BenchContext } from '../bench-context.js';
import type { MeasuredJob, Measurement } from '../generator/job.js';
import { GeneratorProcess } from '../generator-process.js';
import type { SideDetails } from '../report.js';
import { median, rounded } from '../statistics.js';
import { cpuSeconds } from '../systems/process-usage.js';
import type { PreparedSystem, RunningSystem, ServerCounters, SystemName } from '../systems/system.js';

/** One measurement on one side. */
export interface Round extends Measurement {
  /** Processor seconds of the server per second; `undefined` where the machine does not tell. */
  readonly serverCores: number | undefined;
  /** What the server's counters gained while it was measured, and in how long. */
  readonly gained: ServerCounters | undefined;
  readonly gainedInMs: number;
}

/** A server that runs, and a load generator for it. */
export class Side {
  private constructor(
    private readonly system: RunningSystem,
    private readonly generator: GeneratorProcess,
  ) {}

  static async open(name: SystemName, prepare: () => Promise<PreparedSystem>): Promise<Side> {
    const system = (await prepare()).spawn();
    const side = new Side(system, new GeneratorProcess(name, system.target));
    try {
      await Promise.all([system.ready, side.generator.started()]);
    } catch (error) {
      await side.close();
      throw error;
    }
    return side;
  }

  async measure(job: MeasuredJob): Promise<Round> {
    let before: Promise<Reading> | undefined;
    const measurement = await this.generator.measure(job, () => {
      before = this.#read();
    });
    const [first, last] = await Promise.all([before ?? this.#read(), this.#read()]);
    const cpuUsed = first.cpu === undefined || last.cpu === undefined ? undefined : last.cpu - first.cpu;
    const gainedInMs = last.atMs - first.atMs;
    return {
      ...measurement,
      serverCores: cpuUsed === undefined ? undefined : (cpuUsed * 1_000) / gainedInMs,
      gained: first.counters && last.counters && difference(first.counters, last.counters),
      gainedInMs,
    };
  }

  async close(): Promise<void> {
    await this.generator.stop();
    await this.system.stop();
  }

  async #read(): Promise<Reading> {
    const reading = { atMs: performance.now(), cpu: cpuSeconds(this.system.pid) };
    return { ...reading, counters: await this.system.counters() };
  }
}

interface Reading {
  readonly atMs: number;
  readonly cpu: number | undefined;
  readonly counters: ServerCounters | undefined;
}

function difference(before: ServerCounters, after: ServerCounters): ServerCounters {
  const names = Object.keys(after) as (keyof ServerCounters)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as ServerCounters;
}

/** What a row says of a side. */
export function sideDetails(rounds: readonly Round[], rateOf: (round: Round) => number): SideDetails {
  const middle = (of: (round: Round) => number): number => rounded(median(rounds.map(of)));
  const serverCores = rounds.flatMap((round) => round.serverCores ?? []);
  return {
    rounds: rounds.map((round) => rounded(rateOf(round))),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    generatorBusy: middle(({ busy }) => busy),
    generatorCores: middle(({ cores }) => cores),
    ...(serverCores.length === 0 ? {} : { serverCores: rounded(median(serverCores)) }),
    outOfOrder: rounds.reduce((sum, { outOfOrder }) => sum + outOfOrder, 0),
  };
}

/** Both sides of a row, started side by side; the peer's is `undefined` when it cannot run here. */
export async function withSides<T>(
  context: BenchContext,
  ours: () => Promise<PreparedSystem>,
  peer: () => Promise<PreparedSystem>,
  use: (ours: Side, peer: Side | undefined) => Promise<T>,
): Promise<T> {
  const oursSide = await Side.open('holdfast', ours);
  try {
    const peerSide = context.etcd.kind === 'present' ? await Side.open('etcd', peer) : undefined;
    try {
      return await use(oursSide, peerSide);
    } finally {
      await peerSide?.close();
    }
  } finally {
    await oursSide.close();
  }
}
