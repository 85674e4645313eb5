import type { ExtendAnswer, ReleaseAnswer } from '../../server/src/core/ports.js';
import type { PlayedStore } from './played-store.js';
import type { Expectation } from './store-expectations.js';

/** A store has broken a promise. */
export class BrokenPromise extends Error {}

interface Effects<Answer extends { readonly kind: string }> {
  /** The call has this outcome: at once where no other is possible, else when it is told. */
  readonly applied: (kind: Answer['kind']) => void;
  readonly answered: (answer: Answer) => void;
}

/** Holds the answers to calls against what was expected of them when they were made. */
export class CallWatch {
  readonly seen = new Map<string, number>();
  /** What has happened, one line each. */
  readonly #story: string[] = [];
  #life = 0;
  #broken: Error | undefined;

  constructor(private readonly played: PlayedStore) {}

  async call<Answer extends { readonly kind: string }>(
    verb: string,
    { kinds }: Expectation<string>,
    answers: Promise<readonly Answer[]>,
    { applied, answered }: Effects<Answer>,
  ): Promise<void> {
    const life = this.#life;
    this.#tell(`${verb} is called; may answer ${kinds.join(' or ')}`);
    const [only] = kinds;
    const certain = kinds.length === 1 && only !== undefined;
    if (certain) applied(only);
    const done = answers.then(([answer]) => {
      // What a store that has crashed would have said never arrives.
      if (life !== this.#life || answer === undefined) return;
      this.#tell(`${verb} answers ${shown(answer)}`);
      this.#count(`${verb.slice(0, -2)} ${answer.kind}${certain ? '' : ', perhaps'}`);
      if (!kinds.includes(answer.kind)) this.breaks(`${verb}: ${shown(answer)} instead of ${kinds.join(' or ')}`);
      if (!certain) applied(answer.kind);
      answered(answer);
    });
    const kept = done.catch((error: Error) => {
      this.#broken ??= error;
    });
    if (!certain || this.played.oneByOne) await this.played.finish(kept);
  }

  risen(token: bigint, above: bigint): void {
    if (token <= above) this.breaks(`token ${token} after ${above}`);
  }

  same(token: bigint, expected: bigint | undefined): void {
    if (expected !== undefined && token !== expected) this.breaks(`token ${token} instead of ${expected}`);
  }

  breaks(what: string): never {
    throw new BrokenPromise([...this.#story, what].join('\n'));
  }

  /** Throws what has been found so far. */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  reopened(how: string): void {
    this.#life += 1;
    this.#tell(how);
    this.#count(how);
  }

  #tell(what: string): void {
    this.#story.push(`${this.played.nowMs()} ms: ${what}`);
  }

  #count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}

function shown(answer: object): string {
  return JSON.stringify(answer, (_name, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Answers that are one word. */
export async function asKinds<Kind extends ExtendAnswer | ReleaseAnswer>(
  answers: Promise<readonly Kind[]>,
): Promise<readonly { readonly kind: Kind }[]> {
  return (await answers).map((kind) => ({ kind }));
}
