/** Something that stands in a queue. */
export interface Queueable {
  /** Its place in the queue's array; -1 when it is in none. Owned by the queue. */
  slot: number;
}

/** First in, first out, with removal from the middle in constant time: leavers leave a gap that is closed in passing. */
export class WaiterQueue<T extends Queueable> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    item.slot = this.#slots.length;
    // An array made with its one item takes a slot, one that is pushed to takes seventeen; hardly any queue has a second.
    if (item.slot === 0) this.#slots = [item];
    else this.#slots.push(item);
    this.#size += 1;
  }

  remove(item: T): void {
    if (item.slot < 0) return;
    this.#slots[item.slot] = undefined;
    item.slot = -1;
    this.#size -= 1;
    while (this.#head < this.#slots.length && this.#slots[this.#head] === undefined) this.#head += 1;
    if (this.#slots.length > 64 && this.#slots.length > 4 * this.#size) this.#closeGaps();
  }

  /** Visits from first to last until told to stop. Nothing may join or leave meanwhile. */
  visit(visitor: (item: T, position: number) => 'go on' | 'stop'): void {
    let position = 0;
    for (let index = this.#head; index < this.#slots.length; index += 1) {
      const item = this.#slots[index];
      if (item === undefined) continue;
      position += 1;
      if (visitor(item, position) === 'stop') return;
    }
  }

  /** The first that satisfies a condition. */
  find(suits: (item: T) => boolean): T | undefined {
    for (let index = this.#head; index < this.#slots.length; index += 1) {
      const item = this.#slots[index];
      if (item !== undefined && suits(item)) return item;
    }
    return undefined;
  }

  #closeGaps(): void {
    const items = this.#slots.filter((item): item is T => item !== undefined);
    items.forEach((item, index) => {
      item.slot = index;
    });
    this.#slots = items;
    this.#head = 0;
  }
}
