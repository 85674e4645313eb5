import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Reading } from './metric-table.js';

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
/** A stall this long eats into validities and is worth a line in the log. */
const STALL_MS = 500;

/** How late the event loop ran what was due, in milliseconds. */
interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const NONE: Delays = { p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** Watches how late the event loop runs, in windows, so that every reader of the gauge sees every stall. */
export class EventLoopWatch {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #window: NodeJS.Timeout;
  #last: Delays = NONE;

  /** `onStall` is told the longest delay of a window when it is at least half a second. */
  constructor(onStall: (stalledMs: number) => void) {
    this.#histogram.enable();
    this.#window = setInterval(() => {
      this.#last = this.#current();
      this.#histogram.reset();
      if (this.#last.maxMs >= STALL_MS) onStall(this.#last.maxMs);
    }, WINDOW_MS);
    this.#window.unref();
  }

  readings(): readonly Reading[] {
    const now = this.#current();
    const quantiles: readonly (readonly [string, number])[] = [
      ['0.5', Math.max(now.p50Ms, this.#last.p50Ms)],
      ['0.99', Math.max(now.p99Ms, this.#last.p99Ms)],
      ['1', Math.max(now.maxMs, this.#last.maxMs)],
    ];
    return quantiles.map(([quantile, ms]) => ({
      metric: 'holdfast_event_loop_delay_seconds',
      labels: { quantile },
      value: ms / 1_000,
    }));
  }

  stop(): void {
    clearInterval(this.#window);
    this.#histogram.disable();
  }

  /** The histogram holds nanoseconds between ticks of a timer: what exceeds its interval is delay. */
  #current(): Delays {
    if (this.#histogram.count === 0) return NONE;
    const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return {
      p50Ms: delayMs(this.#histogram.percentile(50)),
      p99Ms: delayMs(this.#histogram.percentile(99)),
      maxMs: delayMs(this.#histogram.max),
    };
  }
}

/** Memory, processor time and age of this process. */
export function processReadings(): readonly Reading[] {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    { metric: 'holdfast_process_resident_memory_bytes', labels: {}, value: memory.rss },
    { metric: 'holdfast_process_heap_used_bytes', labels: {}, value: memory.heapUsed },
    { metric: 'holdfast_process_cpu_seconds_total', labels: {}, value: (cpu.user + cpu.system) / 1e6 },
    { metric: 'holdfast_process_uptime_seconds', labels: {}, value: process.uptime() },
  ];
}
