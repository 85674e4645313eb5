import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from '../../history/history.js';
import { replay } from '../../history/replay.js';
import type { Edit } from '../../mutants/patch.js';
import { eventually } from '../../support/deadline.js';
import { Cell, type Plan } from './cell.js';
import { GuardsOff } from './guards-off.js';
import { RunHistory, type Writer } from './run-history.js';

/** The protection that a control run does without. */
export interface Control {
  /** In a few words, for the report. */
  readonly without: string;
  readonly edits: readonly Edit[];
  /** The resource takes every write. */
  readonly unfenced?: boolean;
  /** Nodes vote from their first moment on: there is no new cluster to be declared. */
  readonly admitsAtOnce?: boolean;
}

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
  readonly history: RunHistory;
  readonly #found: string[] = [];
  readonly #guards: GuardsOff;
  readonly #faults: Writer;
  /** Two may believe at once from a documented limit on: tokens have to be right all the same. */
  beliefsMayMeet = false;
  #cell: Cell | undefined;

  constructor(
    readonly folder: string,
    readonly control: Control | undefined,
  ) {
    mkdirSync(folder, { recursive: true });
    this.history = new RunHistory(folder);
    this.#faults = this.history.writer();
    this.#guards = new GuardsOff(control?.edits ?? [], join(folder, 'guards'));
  }

  /** Starts the processes. One cell a run. */
  async cell(plan: Plan): Promise<Cell> {
    const { folder, history } = this;
    const { launch } = this.#guards;
    const { unfenced = false, admitsAtOnce = false } = this.control ?? {};
    this.#cell = await Cell.start(plan, { folder, history, launch, fenced: !unfenced, declares: !admitsAtOnce });
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
      this.#found.push(`${invariant}: ${error instanceof Error ? error.message : error}`);
    });
    return performance.now() - startMs;
  }

  /** From now on nothing may be granted, and acquires may fail in these ways only (I10). */
  faultBegins(fault: string, codes: readonly string[]): void {
    this.#faults({ kind: 'fault_begins', fault, closes: { codes } });
  }

  /** It is over, and by then these resources are to be granted again (I11). */
  faultEnds(fault: string, resources: readonly string[], withinMs: number): void {
    this.#faults({ kind: 'fault_ends', fault, recovers: { resources, withinMs } });
  }

  /** Nothing of a lock is left on any node (I6). */
  async noLocksLeft(names: readonly string[], withinMs: number): Promise<void> {
    const cell = this.#cell;
    if (cell === undefined) return;
    let left = 0;
    await this.soon('I6', `no key of ${names.join(', ')} left`, withinMs, async () => {
      const values = await Promise.all(names.map((name) => cell.locks(name)));
      left = values.flat().filter((value) => value !== null).length;
      return left === 0;
    });
  }

  /** Ends the processes, and has the checker judge what was written down. */
  async finish(): Promise<Judgement> {
    const writes = this.#cell === undefined ? [] : [this.#cell.resource.file];
    await this.end();
    const unloaded = this.#guards.unloaded;
    if (unloaded.length > 0) throw new Error(`no process loaded ${unloaded.join(', ')}: the guard was on`);
    const { violations, figures } = replay(this.history.whole(writes), {
      beliefsMayMeet: () => this.beliefsMayMeet,
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
