import type { NodeReport } from '../core/ports.js';

/** How the nodes of a store stand, taken together. */
export interface NodeSummary {
  readonly voting: number;
  readonly quorum: number;
  /** Enough of them vote, so that leases can be granted. */
  readonly grantable: boolean;
  /** For people: "5 of 5 nodes vote", or what is being waited for. */
  readonly text: string;
  /** None votes and none is anything but quarantined: a cluster that was just made looks like this. */
  readonly looksNew: boolean;
}

export function summaryOf(nodes: readonly NodeReport[], quorum: number): NodeSummary {
  const inState = (state: NodeReport['state']): readonly NodeReport[] => nodes.filter((node) => node.state === state);
  const voting = inState('admitted').length;
  const grantable = voting >= quorum;
  const text = grantable ? `${voting} of ${nodes.length} nodes vote` : waitingText(nodes, quorum);
  return { voting, quorum, grantable, text, looksNew: inState('quarantined').length === nodes.length };
}

function waitingText(nodes: readonly NodeReport[], quorum: number): string {
  const inState = (state: NodeReport['state']): readonly NodeReport[] => nodes.filter((node) => node.state === state);
  const [admitted, quarantined] = [inState('admitted').length, inState('quarantined')];
  const [connecting, unavailable] = [inState('connecting').length, inState('unavailable')];
  const parts: string[] = [];
  if (admitted > 0) parts.push(`${admitted} of the ${quorum} needed`);
  if (quarantined.length > 0)
    parts.push(
      `${count(quarantined.length, quarantined.length === nodes.length ? 'new' : 'quarantined')}${leftText(quarantined, quorum - admitted)}`,
    );
  if (connecting > 0) parts.push(`${count(connecting, 'unconnected')}`);
  if (unavailable.length > 0) {
    parts.push(
      `${count(unavailable.length, 'unavailable')} (${unavailable.map(({ id, detail }) => `${id} ${detail}`).join('; ')})`,
    );
  }
  return `waiting for admission: ${parts.join(', ')}`;
}

function count(nodes: number, adjective: string): string {
  return `${nodes} ${adjective} node${nodes === 1 ? '' : 's'}`;
}

/** When enough of them will vote, if that many are only being waited for. */
function leftText(quarantined: readonly NodeReport[], needed: number): string {
  const lefts = quarantined.flatMap(({ quarantineLeftMs: ms }) => (ms === undefined ? [] : [ms])).sort((a, b) => a - b);
  const leftMs = lefts[needed - 1];
  return leftMs === undefined ? '' : `, ${Math.ceil(leftMs / 1_000)} s left`;
}
