import type { LockValue } from './redis-node.js';

/**
 * A bound far above what one resume brings. Beyond it the oldest goes: it may have lapsed long ago without a word, and
 * where it has not, a straggling node just answers `lost`, which a quorum outvotes.
 */
const MAX_KEPT = 100_000;

interface Straggler {
  readonly value: LockValue;
  readonly presented: readonly LockValue[];
  /** One bit for each node that has not said yet that it has the new value. */
  waitingFor: number;
}

/**
 * Adopted leases of which some node may still have an older value. Until each has confirmed the new one, extensions go as
 * adoptions and hand-offs name the older values, too.
 */
export class Stragglers {
  readonly #byKey = new Map<string, Straggler>();

  /** An adoption begins. */
  expect(key: string, value: LockValue, presented: readonly LockValue[], nodes: number): void {
    this.#byKey.delete(key);
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size >= MAX_KEPT && oldest !== undefined) this.#byKey.delete(oldest);
    this.#byKey.set(key, { value, presented, waitingFor: 2 ** nodes - 1 });
  }

  /** A node has the new value. */
  confirmed(key: string, value: LockValue, node: number): void {
    const straggler = this.#byKey.get(key);
    if (straggler?.value !== value) return;
    straggler.waitingFor &= ~(1 << node);
    if (straggler.waitingFor === 0) this.#byKey.delete(key);
  }

  /** The older values that may still stand for this one; `undefined` when none may. */
  olderThan(key: string, value: LockValue): readonly LockValue[] | undefined {
    const straggler = this.#byKey.get(key);
    return straggler?.value === value ? straggler.presented : undefined;
  }

  /** The lease is over, or in other hands. */
  forget(key: string, value: LockValue): void {
    if (this.#byKey.get(key)?.value === value) this.#byKey.delete(key);
  }
}
