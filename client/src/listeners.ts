/** Functions to be told of something. One that throws harms neither the others nor whoever tells. */
export class Listeners<Arguments extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: Arguments) => void>();

  add(listener: (...args: Arguments) => void): void {
    this.#listeners.add(listener);
  }

  remove(listener: (...args: Arguments) => void): void {
    this.#listeners.delete(listener);
  }

  tell(...args: Arguments): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...args);
      } catch (error) {
        // As with an EventTarget: the process hears of it, as of any exception that nobody catches.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
