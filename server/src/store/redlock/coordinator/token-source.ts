import { invariant } from '../../../core/invariant.js';
import type { NodeToken } from './redis-node.js';

/** The first whole number that JavaScript and Lua cannot tell from its neighbour. Reached in the year 2255. */
const TOKEN_LIMIT = 2 ** 53;

/**
 * Proposes tokens: the nodes' own time, so that they accept it, and never the same one twice, unless most of their clocks were
 * ahead, and later show the very microsecond again. That an accepted one is greater than all before it is up to the nodes'
 * ballots.
 */
export class TokenSource {
  #last: NodeToken = 0;

  constructor(private readonly windowMs: number) {}

  /** A token above `above`, close to the nodes' clock. */
  next(medianUs: number, above: NodeToken = 0): NodeToken {
    const windowUs = this.windowMs * 1_000;
    // Their clocks have gone back since: what follows the last one would be refused for as long as they were ahead. By a window
    // and no more it may be before their time anyway.
    if (this.#last > medianUs + 2 * windowUs) this.#last = 0;
    const token = Math.max(this.#last + 1, Math.floor(medianUs), above + 1);
    invariant(Number.isSafeInteger(token) && token < TOKEN_LIMIT, 'S2', () => `${token} cannot be a token`);
    // What a ballot beyond the window leads to must not drag later proposals along. What follows the last one does not, and were
    // proposed again; a node whose clock is ahead may take it, beyond the others' window or not.
    if (token <= medianUs + windowUs || token === this.#last + 1) this.#last = token;
    return token;
  }
}
