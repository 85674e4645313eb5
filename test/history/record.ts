import { merged } from './event-file.js';
import { type HistoryEvent, nowUs } from './events.js';
import type { History } from './history.js';
import { type ReplayOptions, replay } from './replay.js';

/** An event without its time. */
export type Happening = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'atUs'> : never) : never;

/** Where a test gathers what happens, in its own process and in others, for the checker. */
export class HistoryRecord {
  /** By who told of them, of each in its own order. */
  readonly #events = new Map<string, HistoryEvent[]>();

  /** Something happens in this process, now. */
  add(happening: Happening): void {
    this.take('', { atUs: nowUs(), ...happening } as HistoryEvent);
  }

  /** Another process tells of something that happened in it, perhaps later than of what happened after it. */
  take(from: string, event: HistoryEvent): void {
    const events = this.#events.get(from) ?? [];
    this.#events.set(from, events);
    events.splice(events.findLastIndex(({ atUs }) => atUs <= event.atUs) + 1, 0, event);
  }

  /** Everything up to now, in order of time. */
  get events(): readonly HistoryEvent[] {
    return merged([...this.#events.values()]);
  }

  /** What the checker says of it. */
  judged(options?: ReplayOptions): History {
    return replay(this.events, options);
  }

  clear(): void {
    this.#events.clear();
  }
}
