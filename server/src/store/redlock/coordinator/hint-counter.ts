/** Keys with hints that have not come together yet. Hints may be lost, so dropping some does no more harm. */
const MAX_KEPT = 4_096;

/** A release is worth acting on when a quorum of nodes has announced it: before that a bid would find the old lease. */
export class HintCounter {
  readonly #nodesByKey = new Map<string, number>();

  constructor(private readonly quorum: number) {}

  /** True with the hint that completes a quorum. */
  add(key: string, node: number): boolean {
    const nodes = (this.#nodesByKey.get(key) ?? 0) | (1 << node);
    this.#nodesByKey.delete(key);
    if (countBits(nodes) >= this.quorum) return true;
    const [oldest] = this.#nodesByKey.keys();
    if (this.#nodesByKey.size >= MAX_KEPT && oldest !== undefined) this.#nodesByKey.delete(oldest);
    this.#nodesByKey.set(key, nodes);
    return false;
  }
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
