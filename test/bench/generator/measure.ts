import { createHistogram, performance } from 'node:perf_hooks';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Measurement, Percentiles, Window } from './job.js';

const MICROSECONDS_PER_MS = 1_000;
const LONGEST_MICROSECONDS = 600_000_000;

/** What one worker does again and again. */
export type Step = () => Promise<void>;

/** Where a measurement stands; `measuring`: what ends now counts. */
export interface Phase {
  readonly measuring: boolean;
}

export type Measured = Omit<Measurement, 'outOfOrder' | 'lost'>;

/** Durations, from a microsecond to ten minutes. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: LONGEST_MICROSECONDS, figures: 3 });

  recordSince(begunMs: number): void {
    this.#histogram.record(Math.max(1, Math.round((performance.now() - begunMs) * MICROSECONDS_PER_MS)));
  }

  percentiles(): Percentiles {
    return {
      p50Ms: this.#histogram.percentile(50) / MICROSECONDS_PER_MS,
      p99Ms: this.#histogram.percentile(99) / MICROSECONDS_PER_MS,
    };
  }
}

/**
 * Runs workers, each step after step, and counts the steps that end within the window. All of them are waited for, so
 * that nothing is held afterwards. The first step that fails ends everything.
 */
export async function measure(
  workers: readonly ((phase: Phase) => Step)[],
  { warmUpMs, measureMs }: Window,
  onMeasuring: () => void,
): Promise<Measured> {
  const phase = { measuring: false, over: false };
  const latencies = new Latencies();
  const failed = new AbortController();
  let finished = 0;

  const work = async (step: Step): Promise<void> => {
    while (!phase.over) {
      const begunMs = performance.now();
      await step();
      if (!phase.measuring) continue;
      finished += 1;
      latencies.recordSince(begunMs);
    }
  };
  const watch = async (): Promise<Usage> => {
    await elapsed(warmUpMs, undefined, { signal: failed.signal });
    onMeasuring();
    phase.measuring = true;
    const usage = usageFromNow();
    await elapsed(measureMs, undefined, { signal: failed.signal });
    phase.measuring = false;
    phase.over = true;
    return usage();
  };

  try {
    const [{ tookMs, busy, cores }] = await Promise.all([
      watch(),
      Promise.all(workers.map((worker) => work(worker(phase)))),
    ]);
    if (finished === 0) throw new Error(`nothing finished within ${measureMs} ms`);
    return {
      perSecond: (finished * 1_000) / tookMs,
      ...latencies.percentiles(),
      busy,
      cores,
    };
  } finally {
    phase.over = true;
    failed.abort();
  }
}

interface Usage {
  readonly tookMs: number;
  readonly busy: number;
  readonly cores: number;
}

/** What this process uses from now until the answer is called. */
function usageFromNow(): () => Usage {
  const begunMs = performance.now();
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return () => {
    const tookMs = performance.now() - begunMs;
    const { user, system } = process.cpuUsage(cpu);
    const busy = performance.eventLoopUtilization(loop).utilization;
    return { tookMs, busy, cores: (user + system) / MICROSECONDS_PER_MS / tookMs };
  };
}
