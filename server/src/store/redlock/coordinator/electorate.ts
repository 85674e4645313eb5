import type { NodeStanding } from './redis-node.js';

/** The nodes as voters: what the rounds of a vote ask about them, and tell. */
export interface Electorate {
  /** How many nodes there are. */
  readonly size: number;
  /** How many of them must be in favour. */
  readonly quorum: number;
  nodeName(node: number): string;
  /** Whether a call to this node would be sent. */
  reachable(node: number): boolean;
  /** Whether this node's accepts count: it is verified, admitted and not under suspicion. */
  mayVote(node: number): boolean;
  /** Why nothing can be granted now; `undefined` when it can. */
  obstacle(): string | undefined;
  /** Nothing can be granted for a moment only: clocks are being measured anew. */
  pausing(): boolean;
  /** Enough nodes have confirmed that this server and they belong to one configuration. */
  confirmed(): boolean;
  /** The median of the nodes' clocks now, in microseconds since 1970; `undefined` while no clock is known. */
  medianUs(): number | undefined;
  /** Every answer bounds a node's clock, and says whether it is admitted. */
  observed(node: number, standing: NodeStanding, sentMs: number, receivedMs: number): void;
}
