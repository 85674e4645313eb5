import type { ExtendedFrame } from '../core/frames.js';
import type { RequestId } from '../core/names.js';
import { EXTENDED_GROUP_BYTES, EXTENDED_LEASE_BYTES } from './frame-size.js';

type Group = ExtendedFrame['groups'][number];

/**
 * The same extensions without those of some leases, because something newer is said of them. `undefined` when nothing
 * is left to be said: neither a lease, nor an answer, nor an interval.
 */
export function withoutLeases(frame: ExtendedFrame, leases: ReadonlySet<RequestId>): ExtendedFrame | undefined {
  if (!frame.groups.some(({ requestIds }) => requestIds.some((each) => leases.has(each)))) return frame;
  const groups: Group[] = [];
  for (const { durationMs, requestIds } of frame.groups) {
    const left = requestIds.filter((each) => !leases.has(each));
    if (left.length > 0) groups.push({ durationMs, requestIds: left });
  }
  const isAnswer = frame.id !== 0;
  if (groups.length === 0 && !isAnswer && frame.heartbeatIntervalMs === 0) return undefined;
  return { ...frame, anchor: groups.length === 0 ? 0 : frame.anchor, groups };
}

/** The leases a frame extends. */
export function extendedLeases(frame: ExtendedFrame): ReadonlySet<RequestId> {
  const leases = new Set<RequestId>();
  for (const { requestIds } of frame.groups) for (const each of requestIds) leases.add(each);
  return leases;
}

/**
 * Cuts a frame that would not fit a message of `maxBytes` into several: the first is the answer, the rest are pushes
 * that extend from the same anchor.
 */
export function splitExtended(frame: ExtendedFrame, maxBytes: number): readonly ExtendedFrame[] {
  const parts: Group[][] = [];
  let part: Group[] = [];
  let room = 0;
  for (const { durationMs, requestIds } of frame.groups) {
    for (let from = 0; from < requestIds.length; ) {
      if (room < EXTENDED_GROUP_BYTES + EXTENDED_LEASE_BYTES) {
        part = [];
        parts.push(part);
        room = maxBytes;
      }
      const fitting = Math.floor((room - EXTENDED_GROUP_BYTES) / EXTENDED_LEASE_BYTES);
      const ids = requestIds.slice(from, from + fitting);
      part.push({ durationMs, requestIds: ids });
      room -= EXTENDED_GROUP_BYTES + ids.length * EXTENDED_LEASE_BYTES;
      from += ids.length;
    }
  }
  if (parts.length <= 1) return [frame];
  return parts.map((groups, index) =>
    index === 0 ? { ...frame, groups } : { ...frame, id: 0, groups, heartbeatIntervalMs: 0 },
  );
}
