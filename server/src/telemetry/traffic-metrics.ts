import type { Reading } from './metric-table.js';

interface Totals {
  readonly messages: number;
  readonly frames: number;
}

/** What session streams have carried, as metrics. */
export function trafficReadings(traffic: { readonly in: Totals; readonly out: Totals }): readonly Reading[] {
  return (['in', 'out'] as const).flatMap((direction): readonly Reading[] => [
    { metric: 'holdfast_stream_messages_total', labels: { direction }, value: traffic[direction].messages },
    { metric: 'holdfast_stream_frames_total', labels: { direction }, value: traffic[direction].frames },
  ]);
}
