/** Goes round a map for ever, a few entries at a time, whatever is added and removed meanwhile. */
export class RoundTrip<Key, Value> {
  #entries: Iterator<[Key, Value]>;

  constructor(private readonly map: ReadonlyMap<Key, Value>) {
    this.#entries = map.entries();
  }

  /** The next entries, at most `steps` and at most once round. */
  *take(steps: number): Generator<[Key, Value]> {
    for (let left = Math.min(steps, this.map.size); left > 0; left -= 1) {
      let next = this.#entries.next();
      if (next.done) {
        this.#entries = this.map.entries();
        next = this.#entries.next();
      }
      if (next.done) return;
      yield next.value;
    }
  }
}
