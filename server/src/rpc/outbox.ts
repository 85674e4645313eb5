import type { ServerFrame } from '../core/frames.js';
import type { RequestId } from '../core/names.js';
import { extendedLeases, splitExtended, withoutLeases } from './extended-frames.js';
import { encodeMessage } from './frame-encoder.js';
import { frameBytesAtMost } from './frame-size.js';

/** No message to a client is longer, nor carries more frames. */
export const MAX_OUT_MESSAGE_BYTES = 64 * 1_024;
export const MAX_OUT_MESSAGE_FRAMES = 4_096;
/** What an Extended frame takes besides its groups, with room to spare. */
const EXTENDED_OVERHEAD_BYTES = 64;

/** Frames that wait to be sent on one stream, in order. Bounds are its owner's to enforce. */
export class Outbox {
  /** Holes are frames that coalesced away. */
  #frames: (ServerFrame | undefined)[] = [];
  #head = 0;
  /** Where in `#frames` there are extensions that something newer may replace. */
  #extended: number[] = [];
  #count = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get frames(): number {
    return this.#count;
  }

  /** At most how long the waiting frames are, encoded. */
  get bytes(): number {
    return this.#bytes;
  }

  push(frame: ServerFrame): void {
    if (frame.kind !== 'extended') {
      this.#append(frame);
      return;
    }
    for (const part of splitExtended(frame, MAX_OUT_MESSAGE_BYTES - EXTENDED_OVERHEAD_BYTES)) {
      if (part.groups.length > 0) this.#extended.push(this.#frames.length);
      this.#append(part);
    }
  }

  /**
   * Like `push`, for when nothing can leave at the moment: of each lease only the newest extension is kept. An older
   * one would tell the client a deadline that has been replaced; leaving it out never tells it too much.
   */
  pushCoalescing(frame: ServerFrame): void {
    if (frame.kind === 'extended' && this.#extended.length > 0) this.#supersede(extendedLeases(frame));
    this.push(frame);
  }

  /** Takes the next message out, encoded; `undefined` when nothing waits. */
  takeMessage(): Buffer | undefined {
    if (this.#count === 0) return undefined;
    const taken: ServerFrame[] = [];
    let takenBytes = 0;
    while (this.#head < this.#frames.length && taken.length < MAX_OUT_MESSAGE_FRAMES) {
      const frame = this.#frames[this.#head];
      if (frame !== undefined) {
        const bytes = frameBytesAtMost(frame);
        if (taken.length > 0 && takenBytes + bytes > MAX_OUT_MESSAGE_BYTES) break;
        taken.push(frame);
        takenBytes += bytes;
      }
      this.#frames[this.#head] = undefined;
      this.#head += 1;
    }
    this.#count -= taken.length;
    this.#bytes -= takenBytes;
    this.#compact();
    return taken.length > 0 ? encodeMessage(taken) : undefined;
  }

  clear(): void {
    this.#frames = [];
    this.#extended = [];
    this.#head = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #append(frame: ServerFrame): void {
    this.#frames.push(frame);
    this.#count += 1;
    this.#bytes += frameBytesAtMost(frame);
  }

  #supersede(leases: ReadonlySet<RequestId>): void {
    const remaining: number[] = [];
    for (const at of this.#extended) {
      const frame = this.#frames[at];
      if (frame?.kind !== 'extended') continue;
      const left = withoutLeases(frame, leases);
      if (left === frame) {
        remaining.push(at);
        continue;
      }
      this.#frames[at] = left;
      this.#bytes += (left === undefined ? 0 : frameBytesAtMost(left)) - frameBytesAtMost(frame);
      if (left === undefined) this.#count -= 1;
      else if (left.groups.length > 0) remaining.push(at);
    }
    this.#extended = remaining;
  }

  /** Forgets what has been taken: at once when all has, otherwise when it is more than half. */
  #compact(): void {
    if (this.#count === 0) {
      this.clear();
    } else if (this.#head > 1_024 && this.#head * 2 > this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#extended = this.#extended.map((at) => at - this.#head).filter((at) => at >= 0);
      this.#head = 0;
    }
  }
}
