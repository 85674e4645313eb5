/** More cost time for every grant, and make nothing safer. */
const MAX_NODES = 9;

/** How many of `n` nodes must be in favour: any two such sets share a node. */
export function quorum(n: number): number {
  return Math.floor(n / 2) + 1;
}

export type VoteStanding = 'won' | 'lost' | 'open';

/** Where a vote of `n` nodes stands. With an even `n`, half of them refusing or failing decides it. */
export function standing(ok: number, against: number, n: number): VoteStanding {
  if (ok >= quorum(n)) return 'won';
  const unheard = n - ok - against;
  return ok + unheard < quorum(n) ? 'lost' : 'open';
}

/** What is wrong with this number of nodes, to be read after the setting's name; `undefined`: nothing. */
export function nodeCountProblem(n: number): string | undefined {
  if (!Number.isInteger(n) || n < 1) return 'must name at least one node';
  if (n === 2)
    return 'must not name 2 nodes: both would be needed for every grant; name 1, or 3 to 7 (5 is recommended)';
  if (n > MAX_NODES) return `names ${n} nodes; at most ${MAX_NODES} are possible (5 are recommended)`;
  return undefined;
}
