/** Whose turn it is on one lock, as far as the process knows that all clients are in. */
export class TurnOrder {
  /** Hand-offs that went to a client while another had asked earlier. */
  outOfOrder = 0;
  #asked = 0;
  #holder: number | undefined;
  /** In the order of asking. */
  readonly #waiting = new Set<number>();

  /** A client asks for the lock; the answer identifies its turn. */
  asked(): number {
    this.#asked += 1;
    this.#waiting.add(this.#asked);
    return this.#asked;
  }

  /** The lock was granted. Throws when it had not been given back: then nothing measured here is worth anything. */
  granted(turn: number, counts: boolean): void {
    if (this.#holder !== undefined)
      throw new Error(`turn ${turn} was granted while turn ${this.#holder} held the lock`);
    const [first] = this.#waiting;
    if (counts && first !== turn) this.outOfOrder += 1;
    this.#waiting.delete(turn);
    this.#holder = turn;
  }

  /** The holder is about to give the lock back. */
  givenBack(turn: number): void {
    if (this.#holder !== turn) throw new Error(`turn ${turn} gave back a lock held by turn ${this.#holder}`);
    this.#holder = undefined;
  }
}
