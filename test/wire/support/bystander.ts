import { expect } from 'chai';
import type { Served } from './served.js';
import { acquire, type WireStream } from './wire-client.js';

/** A well-behaved client that is there all the while something else misbehaves. */
export class Bystander {
  readonly #stream: WireStream;
  #id = 1;

  private constructor(stream: WireStream) {
    this.#stream = stream;
  }

  static async arrive(served: Served): Promise<Bystander> {
    return new Bystander(await served.client().openSession());
  }

  /** Fails unless the stream it has had all along is still served. */
  async isServed(): Promise<void> {
    this.#id += 1;
    this.#stream.write({ id: this.#id, kind: acquire('bystander') });
    expect((await this.#stream.answer(this.#id)).kind?.$case).to.equal('granted');
  }
}
