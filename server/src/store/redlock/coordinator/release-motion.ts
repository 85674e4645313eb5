import type { ReleaseAnswer } from '../../../core/ports.js';
import type { Electorate } from './electorate.js';
import { type Actions, Motion } from './motion.js';
import type { ReleaseEntry, ReleaseVote } from './redis-node.js';

/** One lease given back, on its holder's word. Goes to every node; those that cannot be told now are told later. */
export class ReleaseMotion extends Motion<'release'> {
  #released = 0;
  #gone = 0;

  constructor(
    electorate: Electorate,
    actions: Actions,
    readonly entry: ReleaseEntry,
    /** The longest it can stand anywhere. */
    readonly ttlMs: number,
    private readonly leftoverUntilMs: number,
    calledAtMs: number,
    private readonly answered: (answer: ReleaseAnswer) => void,
  ) {
    super(electorate, actions, calledAtMs);
  }

  protected inFavour(vote: ReleaseVote): boolean {
    return vote.kind === 'released';
  }

  protected noted(_node: number, vote: ReleaseVote): void {
    if (vote.kind === 'released') this.#released += 1;
    if (vote.kind === 'gone') this.#gone += 1;
  }

  protected override missed(node: number): void {
    this.actions.cleanUp(node, this.entry, this.leftoverUntilMs);
  }

  protected carry(): boolean {
    this.answered('released');
    return true;
  }

  protected fail(everyoneHeard: boolean): boolean {
    if (this.#gone > this.electorate.size - this.electorate.quorum) this.answered('gone');
    else if (!everyoneHeard) return false;
    // A quorum has it no more, so nobody is kept out by it.
    else if (this.#released + this.#gone >= this.electorate.quorum) this.answered('released');
    else this.answered('unknown');
    return true;
  }
}
