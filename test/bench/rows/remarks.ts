import type { SideDetails } from '../report.js';
import { SATURATED } from '../report-table.js';

/** What a reader has to know when the generator was the limit. */
export function saturation(side: string, details: SideDetails | null): string | undefined {
  const busy = details?.generatorBusy;
  if (busy === undefined || busy < SATURATED || details?.cpuMicros?.server === undefined) return undefined;
  return `${side}: the load generator was busy ${Math.round(busy * 100)} % of the time, so the server may do more`;
}

/** What a reader has to know when turns were not taken in the order of asking. */
export function disorder(side: string, details: SideDetails | null, seconds: number): string | undefined {
  if (!details?.outOfOrder) return undefined;
  const { outOfOrder, rounds } = details;
  const turns = rounds.reduce((sum, perSecond) => sum + perSecond * seconds, 0);
  const share = ((100 * outOfOrder) / turns).toLocaleString('en-US', { maximumSignificantDigits: 2 });
  const count = outOfOrder.toLocaleString('en-US');
  return `${side}: ${count} hand-offs (${share} %) went to a client while another had asked earlier`;
}
