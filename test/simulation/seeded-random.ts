/** Random numbers that depend on the seed alone (xoshiro128+ by Blackman and Vigna, seeded by splitmix32). */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** A whole number of 32 bits, unsigned. */
  next(): number {
    const sum = (this.#a + this.#d) | 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.next() / 0x1_0000_0000;
  }

  between(least: number, most: number): number {
    return least + this.unit() * (most - least);
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.unit() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.flatMap(() => rest.splice(Math.floor(this.unit() * rest.length), 1));
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index += 1) bytes[index] = this.next();
    return bytes;
  }

  /** A generator of its own, so that one part of a run does not shift the numbers of another. */
  fork(): SeededRandom {
    return new SeededRandom(this.next());
  }
}
