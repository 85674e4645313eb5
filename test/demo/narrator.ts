/** A claim of the demo did not hold. */
export class ClaimFailed extends Error {
  override readonly name = 'ClaimFailed';
}

const ACTOR_WIDTH = 9;
const GREEN = '32';
const DIM = '2';
const BOLD = '1';

/** Tells the story as it happens: when, who, what. */
export class Narrator {
  #claims = 0;
  readonly #startedMs = performance.now();

  constructor(
    private readonly write: (line: string) => void,
    private readonly colours: boolean,
  ) {}

  /** How many claims have held. */
  get claims(): number {
    return this.#claims;
  }

  chapter(title: string): void {
    this.write(`\n${this.#paint(BOLD, title)}\n`);
  }

  tell(actor: string, what: string): void {
    this.write(`${this.#time()}  ${actor.padEnd(ACTOR_WIDTH)}${what}\n`);
  }

  /** Says something that has been checked; ends the demo when it is not so. */
  claim(what: string, holds: boolean): void {
    if (!holds) throw new ClaimFailed(what);
    this.#claims += 1;
    this.write(`${this.#time()}  ${this.#paint(GREEN, '✓'.padEnd(ACTOR_WIDTH))}${what}\n`);
  }

  #time(): string {
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    return this.#paint(DIM, `${seconds.toFixed(1).padStart(5)} s`);
  }

  #paint(style: string, text: string): string {
    return this.colours ? `\u001b[${style}m${text}\u001b[0m` : text;
  }
}
