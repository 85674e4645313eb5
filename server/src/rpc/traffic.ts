/** What session streams carried in one direction. */
export interface TrafficTotals {
  readonly messages: number;
  readonly frames: number;
}

/** Messages of session streams and the frames in them, since the server began: how well frames travel together. */
export class Traffic {
  readonly #in = { messages: 0, frames: 0 };
  readonly #out = { messages: 0, frames: 0 };

  received(frames: number): void {
    this.#in.messages += 1;
    this.#in.frames += frames;
  }

  sent(frames: number): void {
    this.#out.messages += 1;
    this.#out.frames += frames;
  }

  get in(): TrafficTotals {
    return this.#in;
  }

  get out(): TrafficTotals {
    return this.#out;
  }
}
