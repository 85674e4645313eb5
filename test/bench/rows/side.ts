import type { MeasuredJob, Measurement } from '../generator/job.js';
import { GeneratorProcess } from '../generator-process.js';
import { cpuSecondsOfAll } from '../systems/process-usage.js';
import type { RunningSystem, ServerCounters } from '../systems/system.js';
import type { Contestant } from './contestants.js';

/** One measurement on one side. */
export interface Round extends Measurement {
  /** Processor seconds of the server per second; `undefined` where there is none, or the machine does not tell. */
  readonly serverCores: number | undefined;
  /** The same of all Redis nodes together. */
  readonly nodesCores: number | undefined;
  /** What the server's counters gained while it was measured, and in how long. */
  readonly gained: ServerCounters | undefined;
  readonly gainedInMs: number;
}

/** A system that runs, and a load generator for it. */
export class Side {
  private constructor(
    private readonly system: RunningSystem,
    private readonly generator: GeneratorProcess,
  ) {}

  static async open({ driver, prepare }: Contestant): Promise<Side> {
    const system = (await prepare()).spawn();
    const side = new Side(system, new GeneratorProcess(driver, system.target));
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
    const gainedInMs = last.atMs - first.atMs;
    return {
      ...measurement,
      serverCores: cores(first.serverCpu, last.serverCpu, gainedInMs),
      nodesCores: cores(first.nodesCpu, last.nodesCpu, gainedInMs),
      gained: first.counters && last.counters && difference(first.counters, last.counters),
      gainedInMs,
    };
  }

  async close(): Promise<void> {
    await this.generator.stop();
    await this.system.stop();
  }

  async #read(): Promise<Reading> {
    const { server, nodes } = this.system.processes();
    const reading = {
      atMs: performance.now(),
      serverCpu: server === undefined ? undefined : cpuSecondsOfAll([server]),
      nodesCpu: nodes.length === 0 ? undefined : cpuSecondsOfAll(nodes),
    };
    return { ...reading, counters: await this.system.counters() };
  }
}

interface Reading {
  readonly atMs: number;
  readonly serverCpu: number | undefined;
  readonly nodesCpu: number | undefined;
  readonly counters: ServerCounters | undefined;
}

function cores(beforeSeconds: number | undefined, afterSeconds: number | undefined, inMs: number): number | undefined {
  if (beforeSeconds === undefined || afterSeconds === undefined) return undefined;
  return ((afterSeconds - beforeSeconds) * 1_000) / inMs;
}

function difference(before: ServerCounters, after: ServerCounters): ServerCounters {
  const names = Object.keys(after) as (keyof ServerCounters)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as ServerCounters;
}

/** The sides of a row, started side by side and in the order given; `undefined` for one that is not wanted. */
export async function withSides<T>(
  contestants: readonly (Contestant | undefined)[],
  use: (sides: readonly (Side | undefined)[]) => Promise<T>,
): Promise<T> {
  const sides: (Side | undefined)[] = [];
  try {
    for (const contestant of contestants) sides.push(contestant && (await Side.open(contestant)));
    return await use(sides);
  } finally {
    await Promise.all(sides.map((side) => side?.close()));
  }
}
