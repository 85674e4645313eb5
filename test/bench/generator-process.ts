import { type ChildProcess, fork } from 'node:child_process';
import type { Job, MeasuredJob, Measurement, Order, Report } from './generator/job.js';
import { GENERATOR_MAIN } from './project-files.js';
import { kept, stopped } from './systems/children.js';
import type { DriverName } from './systems/system.js';

/** What a job may take besides its window. */
const SLACK_MS = 120_000;

/** A load generator in a process of its own. One job at a time. */
export class GeneratorProcess {
  readonly #child: ChildProcess;
  #lastId = 0;

  constructor(driver: DriverName, target: string) {
    // Not the terminal's group: Ctrl-C is this process's to answer. It does so by ending what it started.
    this.#child = kept(fork(GENERATOR_MAIN, [driver, target], { detached: true, execArgv: [] }));
  }

  /** Measures; calls back when the warm-up is over. */
  async measure(job: MeasuredJob, onMeasuring: () => void): Promise<Measurement> {
    const limitMs = job.window.warmUpMs + job.window.measureMs + SLACK_MS;
    const report = await this.#do(job, limitMs, onMeasuring);
    if (report.kind !== 'measured') throw new Error(`${job.kind} was answered by ${report.kind}`);
    return report.measurement;
  }

  /** Waits for the server and for its first grant. */
  async firstGrant(): Promise<void> {
    await this.#do({ kind: 'first-grant' }, SLACK_MS, () => undefined);
  }

  /** Resolves when the process is ready to be told. */
  async started(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#child.once('message', () => resolve());
      this.#child.once('exit', (code, signal) => reject(new Error(`a load generator ended with ${code ?? signal}`)));
      this.#child.once('error', reject);
    });
    return this;
  }

  stop(): Promise<void> {
    return stopped(this.#child);
  }

  #do(job: Job, limitMs: number, onMeasuring: () => void): Promise<Report> {
    this.#lastId += 1;
    const order: Order = { id: this.#lastId, job };
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(overdue);
        child.off('message', heard);
        child.off('exit', gone);
        act();
      };
      const heard = (report: Report): void => {
        if (report.id !== order.id) return;
        if (report.kind === 'measuring') onMeasuring();
        else if (report.kind === 'failed') settle(() => reject(new Error(`${job.kind}: ${report.message}`)));
        else settle(() => resolve(report));
      };
      const gone = (code: number | null, signal: NodeJS.Signals | null): void =>
        settle(() => reject(new Error(`${job.kind}: the load generator ended with ${code ?? signal}`)));
      const overdue = setTimeout(
        () => settle(() => reject(new Error(`${job.kind} was not done within ${limitMs} ms`))),
        limitMs,
      );
      child.on('message', heard);
      child.once('exit', gone);
      child.send(order);
    });
  }
}
