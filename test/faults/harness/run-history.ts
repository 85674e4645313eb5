import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { merged, readEvents } from '../../history/event-file.js';
import { type HistoryEvent, nowUs } from '../../history/events.js';

/** One who writes down what happens to it, in the order in which it does. */
export type Writer = (event: DistributedOmit<HistoryEvent, 'atUs'>, atUs?: number) => void;

/** The history of one run: everybody writes a part of it, which is one file in the end. */
export class RunHistory {
  readonly #parts: HistoryEvent[][] = [];

  constructor(private readonly folder: string) {}

  writer(): Writer {
    const part: HistoryEvent[] = [];
    this.#parts.push(part);
    const file = join(this.folder, `part-${this.#parts.length}.jsonl`);
    return (event, atUs = nowUs()) => {
      // Whole microseconds, and never before what was written down already.
      const dated = { ...event, atUs: Math.max(Math.round(atUs), part.at(-1)?.atUs ?? 0) } as HistoryEvent;
      part.push(dated);
      appendFileSync(file, `${JSON.stringify(dated)}\n`);
    };
  }

  /** All of it, with what others have written to files of their own; also in the file `history.jsonl`. */
  whole(files: readonly string[]): readonly HistoryEvent[] {
    const events = merged([...this.#parts, ...files.map(readEvents)]);
    writeFileSync(join(this.folder, 'history.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    return events;
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
