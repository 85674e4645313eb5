import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '../../support/project-root.js';
import type { RowResult } from './row.js';

/** Where a row was run, and what came of it. */
export interface Recorded {
  readonly result: RowResult;
  readonly commit: string;
  readonly date: string;
  readonly machine: string;
}

/** This machine in a few words. */
export function machineText(): string {
  const memory = `${Math.round(totalmem() / 1e9)} GB`;
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${memory}, ${type()} ${release()}, Node.js ${process.versions.node}`;
}

const LATEST = join(ROOT, 'test/faults/results/latest.json');
/** Rows that an interrupted run has done. */
const UNDER_WAY = join(ROOT, 'build/faults/run.json');

interface UnderWay {
  readonly selection: string;
  readonly commit: string;
  readonly done: readonly string[];
}

/** The latest result of each row, by its id. */
export function latestResults(): Readonly<Record<string, Recorded>> {
  return existsSync(LATEST) ? (JSON.parse(readFileSync(LATEST, 'utf8')) as Record<string, Recorded>) : {};
}

export function record(id: string, recorded: Recorded): void {
  write(LATEST, { ...latestResults(), [id]: recorded });
}

/** A run that can be interrupted after any row, and goes on after it. */
export class Run {
  #done: readonly string[];

  constructor(
    private readonly selection: string,
    private readonly commit: string,
  ) {
    const before = existsSync(UNDER_WAY) ? (JSON.parse(readFileSync(UNDER_WAY, 'utf8')) as UnderWay) : undefined;
    const isSame = before?.selection === selection && before.commit === commit;
    this.#done = isSame ? before.done : [];
  }

  isDone(id: string): boolean {
    return this.#done.includes(id);
  }

  done(id: string): void {
    this.#done = [...this.#done, id];
    this.#write();
  }

  /** The next run begins anew. */
  finished(): void {
    this.#done = [];
    this.#write();
  }

  #write(): void {
    const { selection, commit } = this;
    write(UNDER_WAY, { selection, commit, done: this.#done } satisfies UnderWay);
  }
}

/** As JSON, with its folder if that is missing. */
export function write(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
