import type { ReleaseBid } from '../../server/src/core/ports.js';
import { LockKeys } from '../../server/src/store/redlock/coordinator/keys.js';
import {
  type AcquireEntry,
  type HandOffEntry,
  type LockValue,
  lockValue,
  type RepairEntry,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';

/** What a server has asked a lock for, and does not, or not any more, hold there. */
interface Leftover {
  readonly key: string;
  readonly sinceMs: number;
}

/** A leftover that is seen twice, so far apart, was not about to be deleted. */
const LOOKS_APART_MS = 50;
/** What could not be told is told as soon as the node is there again, … */
const TOLD_MS = 50;
/** … and what it failed to do is tried again after a while. */
const AGAIN_MS = 350;

export interface LeftoverWatchPorts {
  nowMs(): number;
  violated(what: string, lock: string): void;
}

/**
 * What one life of a server leaves at nodes: of a bid that came to nothing, and of a lease that was given back, nothing stays
 * at a node that the server reaches (I6). Whether it does is seen from its calls: a node that has answered what was sent long
 * after the bid, with nothing lost in between, could have been told.
 */
export class LeftoverWatch {
  readonly #values = new Map<LockValue, Leftover>();
  /** Values that are to stay: what is sent to a slow node after the decision is no other bid. */
  readonly #held = new Set<LockValue>();
  /** Values that may be left. */
  readonly #excused = new Set<LockValue>();
  readonly #seen = new Map<string, number>();
  /** By when whatever has to be told to a node is told. */
  readonly #tellableMs = new Map<ModelRedis, number>();
  readonly #keys: LockKeys;
  readonly #graceMs: number;
  readonly #keptMs: number;

  constructor(
    settings: RedlockSettings,
    private readonly ports: LeftoverWatchPorts,
  ) {
    this.#keys = new LockKeys(settings.keyTemplate);
    // No bid waits longer for its nodes, and none has more than two rounds.
    this.#graceMs = 2 * Math.min(settings.nodeDeadlineMs, settings.maxTtlMs / 10) + TOLD_MS;
    this.#keptMs = 3 * settings.maxTtlMs;
  }

  /** A call that may set these values leaves. */
  asked(entries: readonly (AcquireEntry | HandOffEntry)[]): void {
    for (const { key, value } of entries) {
      if (this.#excused.has(value) || this.#held.has(value)) continue;
      this.#values.set(value, { key, sinceMs: this.ports.nowMs() });
    }
  }

  /**
   * A late copy of a call may be accepted where the call was refused, and then stays until it expires; that of a repair may put
   * back what was given back, on a minority.
   */
  copied(entries: readonly (AcquireEntry | HandOffEntry | RepairEntry)[]): void {
    for (const { value } of entries) this.#excuse(value);
  }

  granted(hash: Parameters<typeof lockValue>[0], token: bigint): void {
    const value = lockValue(hash, Number(token));
    this.#held.add(value);
    this.#values.delete(value);
  }

  released({ resource, hashes, token }: ReleaseBid): void {
    if (token === undefined) return;
    const leftover = { key: this.#keys.keyOf(resource), sinceMs: this.ports.nowMs() };
    for (const hash of hashes) {
      const value = lockValue(hash, Number(token));
      this.#held.delete(value);
      if (!this.#excused.has(value)) this.#values.set(value, leftover);
    }
  }

  /** What was sent to a node is lost with its connection. */
  lost(redis: ModelRedis): void {
    this.#waitFor(redis, TOLD_MS);
  }

  /** A node could not do what it was asked. */
  failed(redis: ModelRedis): void {
    this.#waitFor(redis, AGAIN_MS);
  }

  /** A node has answered what was sent then. */
  answered(redis: ModelRedis, sentMs: number): void {
    const tellableMs = this.#tellableMs.get(redis) ?? Number.NEGATIVE_INFINITY;
    const nowMs = this.ports.nowMs();
    for (const [value, { key, sinceMs }] of this.#values) {
      if (nowMs > sinceMs + this.#keptMs) this.#values.delete(value);
      else if (sentMs > Math.max(sinceMs + this.#graceMs, tellableMs)) this.#look(redis, key, value, nowMs);
    }
  }

  #waitFor(redis: ModelRedis, forMs: number): void {
    this.#tellableMs.set(redis, Math.max(this.#tellableMs.get(redis) ?? 0, this.ports.nowMs() + forMs));
  }

  #excuse(value: LockValue): void {
    this.#excused.add(value);
    this.#values.delete(value);
  }

  #look(redis: ModelRedis, key: string, value: LockValue, nowMs: number): void {
    const about = `${redis.id} ${value}`;
    if (redis.keys.get(key) !== value) {
      this.#seen.delete(about);
      return;
    }
    const sinceMs = this.#seen.get(about) ?? nowMs;
    this.#seen.set(about, sinceMs);
    if (nowMs < sinceMs + LOOKS_APART_MS) return;
    this.ports.violated(`${redis.id} still has ${value}, of which nothing came or is left`, key);
  }
}
