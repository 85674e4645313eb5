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

/** What a node was seen to have still, and since when. */
interface Sighting {
  readonly value: string;
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
  /** What the server has asked locks for, and does not, or not any more, hold there; since when. The oldest first. */
  readonly #leftSinceMs = new Map<string, number>();
  /** Keys of the locks that were ever asked for: far fewer than there are values of them. */
  readonly #locks = new Set<string>();
  /** Values that are to stay: what is sent to a slow node after the decision is no other bid. */
  readonly #held = new Set<LockValue>();
  /** Values that may be left. */
  readonly #excused = new Set<LockValue>();
  readonly #seen = new Map<ModelRedis, Map<string, Sighting>>();
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
      this.#leave(key, value);
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
    this.#leftSinceMs.delete(value);
  }

  released({ resource, hashes, token }: ReleaseBid): void {
    if (token === undefined) return;
    const key = this.#keys.keyOf(resource);
    for (const hash of hashes) {
      const value = lockValue(hash, Number(token));
      this.#held.delete(value);
      if (!this.#excused.has(value)) this.#leave(key, value);
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
    if (sentMs <= (this.#tellableMs.get(redis) ?? Number.NEGATIVE_INFINITY)) return;
    const known = this.#seen.get(redis);
    const seen = known ?? new Map<string, Sighting>();
    if (known === undefined) this.#seen.set(redis, seen);
    for (const key of this.#locks) {
      const value = redis.keys.get(key);
      const sinceMs = value === undefined ? undefined : this.#leftSinceMs.get(value);
      if (value === undefined || sinceMs === undefined) seen.delete(key);
      else if (sentMs > sinceMs + this.#graceMs && sentMs <= sinceMs + this.#keptMs) this.#saw(redis, seen, key, value);
    }
  }

  #waitFor(redis: ModelRedis, forMs: number): void {
    this.#tellableMs.set(redis, Math.max(this.#tellableMs.get(redis) ?? 0, this.ports.nowMs() + forMs));
  }

  #leave(key: string, value: LockValue): void {
    const nowMs = this.ports.nowMs();
    this.#locks.add(key);
    this.#leftSinceMs.delete(value);
    this.#leftSinceMs.set(value, nowMs);
    for (const [oldest, sinceMs] of this.#leftSinceMs) {
      if (nowMs <= sinceMs + this.#keptMs) return;
      this.#leftSinceMs.delete(oldest);
    }
  }

  #excuse(value: LockValue): void {
    this.#excused.add(value);
    this.#leftSinceMs.delete(value);
  }

  #saw(redis: ModelRedis, seen: Map<string, Sighting>, key: string, value: string): void {
    const nowMs = this.ports.nowMs();
    const before = seen.get(key);
    if (before?.value !== value) seen.set(key, { value, sinceMs: nowMs });
    else if (nowMs >= before.sinceMs + LOOKS_APART_MS) {
      this.ports.violated(`${redis.id} still has ${value}, of which nothing came or is left`, key);
    }
  }
}
