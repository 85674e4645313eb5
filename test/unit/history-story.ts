import type { HistoryEvent } from '../history/events.js';
import { type ReplayOptions, replay } from '../history/replay.js';

type Told = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'atUs'> : never) : never;

/** Writes down a small history by hand, in order of time. */
export class Story {
  readonly events: HistoryEvent[] = [];

  at(atUs: number, told: Told): this {
    this.events.push({ atUs, ...told } as HistoryEvent);
    return this;
  }

  /** Calls an acquire; it is named after the client. */
  invoke(atUs: number, client: string, { resource = 'r', waitMs = 0, operation = client } = {}): this {
    return this.at(atUs, { kind: 'invoke', client, operation, resource, waitMs });
  }

  grant(atUs: number, client: string, token: number, deadlineUs: number, operation = client): this {
    return this.at(atUs, { kind: 'grant', client, operation, token: String(token), deadlineUs });
  }

  /** An acquire that is granted `forUs` after it was called, for 1,000 µs. */
  holds(atUs: number, client: string, token: number, resource = 'r'): this {
    const operation = `${client} at ${atUs}`;
    return this.invoke(atUs, client, { resource, operation }).grant(atUs + 10, client, token, atUs + 1_010, operation);
  }

  release(atUs: number, client: string, token: number, resource = 'r'): this {
    return this.at(atUs, { kind: 'release_call', client, resource, token: String(token) });
  }

  extend(atUs: number, client: string, token: number, deadlineUs: number): this {
    return this.at(atUs, { kind: 'extension', client, resource: 'r', token: String(token), deadlineUs });
  }

  stops(atUs: number, client: string, token: number): this {
    return this.at(atUs, { kind: 'belief_ends', client, resource: 'r', token: String(token) });
  }

  lost(atUs: number, client: string, token: number, how: 'told' | 'forced'): this {
    return this.at(atUs, { kind: 'loss', client, resource: 'r', token: String(token), how });
  }

  writes(atUs: number, client: string, token: number): this {
    return this.at(atUs, { kind: 'write_accepted', client, resource: 'r', token: String(token) });
  }

  /** What the checker says of it. */
  violations(options?: ReplayOptions): readonly string[] {
    return replay(this.events, options).violations;
  }

  /** The invariants that it says were broken. */
  broken(options?: ReplayOptions): readonly string[] {
    return this.violations(options).map((text) => text.replace(/ at .*/, ''));
  }
}
