/** Goes round a map for ever, a few entries at a time, whatever is added and removed meanwhile. */
export class RoundTrip<Key, Value> {
  #entries: Iterator<[Key, Value]>;

  constructor(private readonly map: Pick<ReadonlyMap<Key, Value>, 'size'> & { entries(): Iterator<[Key, Value]> }) {
    this.#entries = map.entries();
  }

  /** Shows the next entries, at most `steps` and at most once round. The visitor may remove what it is shown. */
  visit(steps: number, visitor: (value: Value, key: Key) => void): void {
    for (let left = Math.min(steps, this.map.size); left > 0; left -= 1) {
      let next = this.#entries.next();
      if (next.done) {
        this.#entries = this.map.entries();
        next = this.#entries.next();
      }
      if (next.done) return;
      const [key, value] = next.value;
      visitor(value, key);
    }
  }
}
