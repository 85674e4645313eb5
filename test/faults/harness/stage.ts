import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEvents } from '../../history/event-file.js';
import type { Figures } from '../../history/history.js';
import { HistoryRecord } from '../../history/record.js';
import type { ReplayOptions } from '../../history/replay.js';
import type { Edit } from '../../mutants/patch.js';
import { eventually, OverdueError } from '../../support/deadline.js';
import { Cell, SLACK_MS } from './cell.js';
import { GuardsOff } from './guards-off.js';
import type { Plan } from './plan.js';

/** The protection that a control run does without. */
export interface Control {
  /** In a few words, for the report. */
  readonly without: string;
  readonly edits: readonly Edit[];
  /** What has to be among the violations: no other counts. */
  readonly breaks: RegExp;
  /** The resource takes every write. */
  readonly unfenced?: boolean;
  /** Nodes vote from their first moment on: there is no new cluster to be declared. */
  readonly admitsAtOnce?: boolean;
}

/** The checker's word that two believed, or that one went on when its time was over. */
export const TWO_BELIEVE = /^(S1\/I3|I4|S4\/I4) at /;
/** The checker's word that a resource took what is older after what is newer. */
export const OLD_WRITE = /^I2 at .* took a write with/;

/** What an acquire of a row may fail with, whatever is done. */
const FAILURE_CODES = ['UnavailableError', 'WaitTimeoutError', 'LeaseLostError'];

/** What was broken in a run, and how near it was. */
export interface Judgement {
  readonly violations: readonly string[];
  readonly figures: Figures;
}

/** What came of a run. */
export interface Outcome {
  readonly violations: readonly string[];
  readonly figure: string;
}

/** One run of a row: its processes, and what must not have happened in it. */
export class Stage {
  readonly record = new HistoryRecord();
  readonly #found: string[] = [];
  #guards: GuardsOff;
  /** Two may believe at once from a documented limit on: tokens have to be right all the same. */
  beliefsMayMeetFromUs = Number.POSITIVE_INFINITY;
  #cell: Cell | undefined;

  constructor(
    readonly folder: string,
    readonly control: Control | undefined,
  ) {
    mkdirSync(folder, { recursive: true });
    this.#guards = new GuardsOff(control?.edits ?? [], join(folder, 'guards'));
  }

  /** Starts the processes. One cell a run. */
  async cell(plan: Plan): Promise<Cell> {
    const { folder, record } = this;
    if (plan.edits !== undefined) {
      this.#guards = new GuardsOff([...plan.edits, ...(this.control?.edits ?? [])], join(folder, 'guards'));
    }
    const { launch } = this.#guards;
    const { unfenced = false, admitsAtOnce = false } = this.control ?? {};
    this.#cell = await Cell.start(plan, { folder, record, launch, fenced: !unfenced, declares: !admitsAtOnce });
    return this.#cell;
  }

  /** What a run measures of its own. A false one is a violation, and the run goes on. */
  check(invariant: string, what: string, holds: boolean): void {
    if (!holds) this.#found.push(`${invariant}: ${what}`);
  }

  /** The same for what has to become true; too late is a violation. */
  async soon(invariant: string, what: string, ms: number, ask: () => Promise<boolean> | boolean): Promise<number> {
    const startMs = performance.now();
    await eventually(ms, what, async () => ((await ask()) ? true : undefined)).catch((error: unknown) => {
      if (!(error instanceof OverdueError)) throw error;
      this.#found.push(`${invariant}: ${error.message}`);
    });
    return performance.now() - startMs;
  }

  /** From now on nothing may be granted, and acquires may fail in these ways only (I10). */
  faultBegins(fault: string, codes: readonly string[]): void {
    this.record.add({ kind: 'fault_begins', fault, closes: { codes } });
  }

  /** It is over, and by then these resources are to be granted again (I11). */
  faultEnds(fault: string, resources: readonly string[], withinMs: number): void {
    this.record.add({ kind: 'fault_ends', fault, recovers: { resources, withinMs } });
  }

  /** Nothing of a lock is left on any node (I6). @param ttlMs Of the leases there were, which must not end by themselves. */
  async noLocksLeft(names: readonly string[], withinMs: number, ttlMs: number): Promise<void> {
    if (withinMs > ttlMs / 2) throw new RangeError(`after ${withinMs} ms what has ${ttlMs} ms may be gone by itself`);
    const cell = this.#cell;
    if (cell === undefined) return;
    let left = 0;
    await this.soon('I6', `no key of ${names.join(', ')} left`, withinMs, async () => {
      const values = await Promise.all(names.map((name) => cell.locks(name)));
      left = values.flat().filter((value) => value !== null).length;
      return left === 0;
    });
  }

  /** Ends the processes, and has the checker judge what was written down, by what else is to be known for that. */
  async finish(options: ReplayOptions = {}): Promise<Judgement> {
    const cell = this.#cell;
    await this.end();
    const unloaded = this.#guards.unloaded;
    if (unloaded.length > 0) throw new Error(`no process loaded ${unloaded.join(', ')}: the guard was on`);
    if (cell !== undefined) for (const write of readEvents(cell.resource.file)) this.record.take('resource', write);
    const lines = this.record.events.map((event) => `${JSON.stringify(event)}\n`);
    writeFileSync(join(this.folder, 'history.jsonl'), lines.join(''));
    const { violations, figures } = this.record.judged({
      beliefsMayMeet: (atUs) => atUs >= this.beliefsMayMeetFromUs,
      settleSlackMs: SLACK_MS,
      failureCodes: FAILURE_CODES,
      ...options,
    });
    return { violations: [...violations, ...this.#found], figures };
  }

  /** Ends the processes; more often than once does nothing. */
  async end(): Promise<void> {
    const cell = this.#cell;
    this.#cell = undefined;
    await cell?.stop();
  }
}
