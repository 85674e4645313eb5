import type { NodeReport, StoreNodes } from '../core/ports.js';

/** How the nodes of a store stand, taken together. */
export interface NodeSummary {
  readonly voting: number;
  readonly quorum: number;
  /** Leases can be granted. */
  readonly grantable: boolean;
  /** For people: "5 of 5 nodes vote", or what is being waited for. */
  readonly text: string;
  /** None votes and none is anything but quarantined: a cluster that was just made looks like this. */
  readonly looksNew: boolean;
}

export function summaryOf(nodes: Pick<StoreNodes, 'report' | 'quorum' | 'obstacle'>): NodeSummary {
  const { quorum } = nodes;
  const reports = nodes.report();
  const obstacle = nodes.obstacle();
  const voting = inState(reports, 'admitted').length;
  const votes = `${voting} of ${reports.length} nodes vote`;
  return {
    voting,
    quorum,
    grantable: obstacle === undefined,
    text: voting < quorum ? waitingText(reports, quorum) : obstacle === undefined ? votes : `${votes}, but ${obstacle}`,
    looksNew: inState(reports, 'quarantined').length === reports.length,
  };
}

function inState(reports: readonly NodeReport[], state: NodeReport['state']): readonly NodeReport[] {
  return reports.filter((report) => report.state === state);
}

function waitingText(reports: readonly NodeReport[], quorum: number): string {
  const voting = inState(reports, 'admitted').length;
  const quarantined = inState(reports, 'quarantined');
  const connecting = inState(reports, 'connecting').length;
  const unavailable = inState(reports, 'unavailable');
  const parts: string[] = [];
  if (voting > 0) parts.push(`${voting} of the ${quorum} needed`);
  if (quarantined.length > 0) {
    const adjective = quarantined.length === reports.length ? 'new' : 'quarantined';
    parts.push(`${count(quarantined.length, adjective)}${leftText(quarantined, quorum - voting)}`);
  }
  if (connecting > 0) parts.push(count(connecting, 'unconnected'));
  if (unavailable.length > 0) {
    const reasons = unavailable.map(({ id, detail }) => `${id} ${detail}`).join('; ');
    parts.push(`${count(unavailable.length, 'unavailable')} (${reasons})`);
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
