interface Cell<Value> {
  value: Value | undefined;
}

/**
 * A map for entries that come and go all the time.
 *
 * V8 gives a `Map` a new table whenever enough has been deleted, and an outgrown table that has reached the old generation
 * keeps whatever it held, and the table after it, alive until the next full collection: every young collection then copies
 * requests that are long over. Here such a table holds empty cells.
 */
export class CellMap<Key, Value extends object> {
  readonly #cells = new Map<Key, Cell<Value>>();

  get size(): number {
    return this.#cells.size;
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value;
  }

  /** A new key goes to the end; a known one keeps its place. */
  set(key: Key, value: Value): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { value });
    else cell.value = value;
  }

  delete(key: Key): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) return;
    cell.value = undefined;
    this.#cells.delete(key);
  }

  /** In the order of their keys' arrival, also while entries come and go. */
  *entries(): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#cells) if (value !== undefined) yield [key, value];
  }

  *values(): Generator<Value> {
    for (const { value } of this.#cells.values()) if (value !== undefined) yield value;
  }
}
