import type { Electorate } from './electorate.js';
import { type Actions, Motion } from './motion.js';
import type { BatchVerbs } from './redis-node.js';

type SurveyedVerb = 'introduce' | 'forget';

/** What one node said; `undefined` where it said nothing. */
export type SurveyAnswers<V extends SurveyedVerb> = readonly (BatchVerbs[V]['vote'] | undefined)[];

/** Something every node is told for itself, without a vote. `answered` gets what each said, by its index. */
export class SurveyMotion<V extends SurveyedVerb> extends Motion<V> {
  readonly #answers: (BatchVerbs[V]['vote'] | undefined)[];

  constructor(
    electorate: Electorate,
    actions: Actions,
    readonly entry: BatchVerbs[V]['entry'],
    readonly ttlMs: number,
    private readonly answered: (answers: SurveyAnswers<V>, absences: readonly string[]) => void,
  ) {
    super(electorate, actions, actions.nowMs());
    this.#answers = Array.from({ length: electorate.size }, () => undefined);
  }

  protected inFavour(): boolean {
    return false;
  }

  protected noted(node: number, vote: BatchVerbs[V]['vote']): void {
    this.#answers[node] = vote;
  }

  protected carry(): boolean {
    // Nobody is in favour of a survey.
    return false;
  }

  protected fail(everyoneHeard: boolean): boolean {
    if (everyoneHeard) this.answered(this.#answers, this.absences);
    return everyoneHeard;
  }
}
