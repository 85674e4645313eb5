import type { World } from './world.js';

/** What is the matter at the moment, and what ends it. Everything lasts for a while; nothing happens twice at a time. */
export class Troubles {
  readonly #remedies = new Map<string, () => void>();
  /** From now on nothing is to be the matter any more. */
  over = false;

  constructor(private readonly world: World) {}

  has(what: string): boolean {
    return this.#remedies.has(what);
  }

  /** False where that is the matter already. */
  during(what: string, forMs: number, begin: () => void, end: () => void): boolean {
    const { world } = this;
    if (this.has(what)) return false;
    world.note('world', `${what}: begins`);
    begin();
    this.#remedies.set(what, end);
    world.at(world.nowMs + forMs, () => {
      if (this.#remedies.get(what) === end) this.end(what);
    });
    return true;
  }

  end(what: string): void {
    const end = this.#remedies.get(what);
    if (end === undefined) return;
    this.#remedies.delete(what);
    this.world.note('world', `${what}: ends`);
    end();
  }

  endAll(): void {
    for (const what of [...this.#remedies.keys()]) this.end(what);
  }
}
