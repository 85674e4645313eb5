/** Ids of one block are neighbours: its number is the id divided by this. */
const BLOCK_SIZE = 32;

interface Block<T> {
  readonly slots: (T | undefined)[];
  used: number;
}

/**
 * Values by ids that rise, most of which do not stay for long.
 *
 * In a `Map` each table that V8 outgrows keeps its old entries and points to the next table, so that one of them in the
 * old generation keeps everything that has passed through alive until a full collection: half of a busy client's time
 * went into copying requests that were over. Here a deleted value is gone from its block, and only blocks are in a `Map`.
 */
export class IdTable<T extends object> {
  readonly #blocks = new Map<number, Block<T>>();
  #size = 0;

  /** How many values there are. */
  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#blocks.get(Math.floor(id / BLOCK_SIZE))?.slots[id % BLOCK_SIZE];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, value: T): void {
    const number = Math.floor(id / BLOCK_SIZE);
    let block = this.#blocks.get(number);
    if (block === undefined) {
      block = { slots: new Array<T | undefined>(BLOCK_SIZE).fill(undefined), used: 0 };
      this.#blocks.set(number, block);
    }
    if (block.slots[id % BLOCK_SIZE] === undefined) {
      block.used += 1;
      this.#size += 1;
    }
    block.slots[id % BLOCK_SIZE] = value;
  }

  /** Takes a value out, and tells it. */
  delete(id: number): T | undefined {
    const number = Math.floor(id / BLOCK_SIZE);
    const block = this.#blocks.get(number);
    const value = block?.slots[id % BLOCK_SIZE];
    if (block === undefined || value === undefined) return undefined;
    block.slots[id % BLOCK_SIZE] = undefined;
    block.used -= 1;
    this.#size -= 1;
    if (block.used === 0) this.#blocks.delete(number);
    return value;
  }

  clear(): void {
    this.#blocks.clear();
    this.#size = 0;
  }

  /** All values as they are now, by rising id if they came in that order. */
  values(): T[] {
    const values: T[] = [];
    for (const { slots } of this.#blocks.values()) {
      for (const value of slots) if (value !== undefined) values.push(value);
    }
    return values;
  }
}
