import type { Court } from './terms.js';

/** Somebody in the queue of one server for one resource. */
interface Waiter {
  readonly who: string;
  readonly sinceMs: number;
  /** Whether its client was there all the time. */
  stayed: boolean;
}

/**
 * I8: each server serves those who wait for a resource in the order in which they came to it. Only somebody whose client was
 * away for a while since may be passed over.
 *
 * What has to be observed is what one server takes and says: the order in which it takes acquires, whom it grants, and
 * whose connection it loses. Each grant is compared with the front of one queue. Between servers there is no order; what
 * came from elsewhere with a past, such as a request that was granted there, is not in any queue and is not to be reported.
 */
export class QueueOrder {
  /** Grants whose place in the queue was looked at. */
  checked = 0;
  readonly #queues = new Map<string, Map<string, Waiter>>();

  constructor(private readonly court: Court) {}

  queued(server: string, resource: string, who: string): void {
    const key = `${server} ${resource}`;
    const queue = this.#queues.get(key) ?? new Map<string, Waiter>();
    this.#queues.set(key, queue);
    queue.set(who, { who, sinceMs: this.court.nowMs, stayed: true });
  }

  /** Granted. Whoever is not in the queue is not judged. */
  served(server: string, resource: string, who: string): void {
    const queue = this.#queues.get(`${server} ${resource}`);
    if (queue?.has(who) !== true) return;
    this.checked += 1;
    for (const waiter of queue.values()) {
      if (waiter.who === who) break;
      if (!waiter.stayed) continue;
      const what = `${server} granted ${resource} to ${who} before ${waiter.who}, who had come first and stayed`;
      this.court.accuse('L2/I8', what, waiter.sinceMs, resource);
      break;
    }
    queue.delete(who);
  }

  /** What somebody waits for at a server whose client has been there all the time, and since when. */
  *waitedFor(server: string): Iterable<{ readonly resource: string; readonly sinceMs: number }> {
    for (const [key, queue] of this.#queues) {
      if (!key.startsWith(`${server} `)) continue;
      for (const { sinceMs, stayed } of queue.values()) {
        if (!stayed) continue;
        yield { resource: key.slice(server.length + 1), sinceMs };
        break;
      }
    }
  }

  /** Answered otherwise, or given up. */
  left(server: string, resource: string, who: string): void {
    this.#queues.get(`${server} ${resource}`)?.delete(who);
  }

  /** The connection of a waiter was not there for a while, or could be thought not to be. */
  wasAway(server: string, resource: string, who: string): void {
    const waiter = this.#queues.get(`${server} ${resource}`)?.get(who);
    if (waiter !== undefined) waiter.stayed = false;
  }

  /** The server has died, and its queues with it. */
  serverDied(server: string): void {
    for (const key of this.#queues.keys()) if (key.startsWith(`${server} `)) this.#queues.delete(key);
  }
}
