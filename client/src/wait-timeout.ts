import type { Holder } from '@holdfast/protocol';
import { type HolderInfo, WaitTimeoutError } from './errors.js';
import type { QueueView } from './session/acquisition.js';

/**
 * The error for a resource that was not free in time: it says who has it, for how long, and how far the queue had moved.
 * `isOwn` tells whether it is the client that asked.
 */
export function waitTimeout(
  name: string,
  waitMs: number,
  view: QueueView,
  nowMs: number,
  isOwn: (holder: HolderInfo) => boolean,
): WaitTimeoutError {
  const holder = view.holder === undefined ? undefined : holderInfo(view.holder, nowMs - view.heardAtMs);
  const position = view.position > 0 ? view.position : undefined;
  const what = waitMs > 0 ? `was not free within ${waitMs} ms` : 'is not free';
  const who = holder === undefined ? '' : `: ${describe(holder, isOwn(holder))}`;
  const where = position === undefined ? '' : `; you were ${ordinal(position)} in line`;
  return new WaitTimeoutError(`${name} ${what}${who}${where}`, holder, position);
}

function holderInfo({ clientName, heldMs, leaseId }: Holder, sinceMs: number): HolderInfo {
  return {
    leaseId,
    clientName: clientName === '' ? undefined : clientName,
    heldMs: heldMs === 0n ? undefined : Math.round(Number(heldMs) + sinceMs),
  };
}

function describe({ clientName, heldMs }: HolderInfo, own: boolean): string {
  const other = clientName === undefined ? 'a client of another server' : JSON.stringify(clientName);
  const who = own ? 'this very client' : other;
  const since = heldMs === undefined ? '' : ` for ${duration(heldMs)}`;
  return `held by ${who}${since}${own ? ' (leases are not reentrant)' : ''}`;
}

function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

function ordinal(position: number): string {
  const teens = position % 100 >= 11 && position % 100 <= 13;
  const suffix = teens ? 'th' : (['th', 'st', 'nd', 'rd'][position % 10] ?? 'th');
  return `${position}${suffix}`;
}
