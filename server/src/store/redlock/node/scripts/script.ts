import type { BatchVerb, BatchVerbs, ErrandOutcome, NodeErrand } from '../../coordinator/redis-node.js';
import type { Details } from './details.js';

/** What goes into a packed payload: everything `cmsgpack` reads back as the same thing. */
export type Packable = string | number | readonly Packable[];

/**
 * The script of a verb that comes in batches. It is given one packed, flat array and the id of the server, and answers
 * `[standing, one letter for each entry, details…]`; which letters have details, and how many, is its own business.
 */
export interface BatchScript<V extends BatchVerb> {
  readonly name: V;
  readonly lua: string;
  encode(entry: BatchVerbs[V]['entry'], into: Packable[]): void;
  decode(letter: string, details: Details): BatchVerbs[V]['vote'];
}

export type ErrandKind = NodeErrand['kind'];

/** The script of an errand. It is given plain arguments, and answers `[standing, details…]`. */
export interface ErrandScript<K extends ErrandKind> {
  readonly name: K;
  readonly lua: string;
  /** In what comes before, the arguments of this call. */
  args(errand: Extract<NodeErrand, { kind: K }>): readonly string[];
  outcome(details: Details): Extract<ErrandOutcome, { kind: K }>;
}

/** An errand that looks at all keys, one page for each call; its first argument and first detail is the cursor. */
export interface PagedScript<K extends ErrandKind> {
  readonly name: K;
  readonly lua: string;
  /** What the pages came to so far, each without its cursor; `complete` when there are no more. */
  outcome(pages: readonly (readonly string[])[]): Extract<ErrandOutcome, { kind: K }>;
  /** Nothing on further pages would change the outcome. */
  enough(pages: readonly (readonly string[])[]): boolean;
}
