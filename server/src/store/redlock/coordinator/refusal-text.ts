import type { Electorate } from './electorate.js';

/** Of a node, to be read after its name. */
export const FAR_BALLOT = "has a ballot far ahead of the nodes' time";

/** "2 of 5 nodes did not vote: redis-4 timed out after 300 ms, redis-5 refused the password" */
export function refusalText(electorate: Electorate, reasons: readonly string[]): string {
  const nodes = electorate.size === 1 ? 'the node' : `${reasons.length} of ${electorate.size} nodes`;
  return `${nodes} did not vote: ${reasons.join(', ')}`;
}
