import type { LeaseId, RequestId } from './names.js';

const ZERO = 0x30;
const NINE = 0x39;
const LETTER_A = 0x61;

/** Below this, pushes about leases that are gone are not worth looking for. */
const COMPACT_ABOVE = 1_024;

interface Member {
  /** The push that told of it. */
  readonly push: number;
  readonly high: number;
  readonly low: number;
  /** The client has said that it saw the grant. */
  seen: boolean;
}

interface PushEvent {
  readonly push: number;
  readonly requestId: RequestId;
  readonly gained: boolean;
}

/**
 * What the client must believe it holds on one stream, judged from what was pushed to it and what it said since.
 *
 * A beat names the last push the client has processed; the set is brought up to that push and compared by count and
 * hash. Leases whose Release came earlier on the stream are gone from it; grants not yet seen are not in it. Costs a
 * constant per grant, loss and release, and nothing per lease per beat.
 */
export class HeldSet {
  readonly #members = new Map<RequestId, Member>();
  #events: PushEvent[] = [];
  #lastPush = 0;
  #count = 0;
  #high = 0;
  #low = 0;
  /** Until the client has seen this push, its account is known to differ. */
  #settledFrom = 0;

  get lastPush(): number {
    return this.#lastPush;
  }

  /** The number for a push that changes several members or none. */
  nextPush(): number {
    this.#lastPush += 1;
    return this.#lastPush;
  }

  /** A lease is told with this push. */
  gained(push: number, requestId: RequestId, leaseId: LeaseId): void {
    const { high, low } = lastEightBytes(leaseId);
    this.#members.set(requestId, { high, low, push, seen: false });
    this.#events.push({ push, requestId, gained: true });
  }

  /** A lease's loss is told with this push. */
  lost(push: number, requestId: RequestId): void {
    this.#events.push({ push, requestId, gained: false });
  }

  /** The client has said that it does not hold this lease any more. */
  released(requestId: RequestId): void {
    const member = this.#members.get(requestId);
    if (member === undefined) return;
    if (member.seen) this.#toggle(member, -1);
    this.#members.delete(requestId);
  }

  /** The client has listed what it held after processing a push: of what it had seen by then, the rest is gone. */
  keepOnly(listed: ReadonlySet<RequestId>, pushSeen: number): readonly RequestId[] {
    const gone: RequestId[] = [];
    for (const [requestId, member] of this.#members) {
      if (member.seen && member.push <= pushSeen && !listed.has(requestId)) gone.push(requestId);
    }
    for (const requestId of gone) this.released(requestId);
    return gone;
  }

  /** Pushes the client has not said it saw; grows only as long as it does not beat. */
  get unseen(): number {
    if (this.#events.length > COMPACT_ABOVE) {
      this.#events = this.#events.filter(({ requestId }) => this.#members.has(requestId));
    }
    return this.#events.length;
  }

  /** Whether the client has said that it saw the grant. */
  isSeen(requestId: RequestId): boolean {
    return this.#members.get(requestId)?.seen === true;
  }

  /** Brings the set up to a push, and says whether the client's account agrees with it. */
  compare(pushSeen: number, count: number, hash: bigint): 'agrees' | 'differs' | 'unsettled' {
    this.#applyUpTo(pushSeen);
    if (pushSeen < this.#settledFrom) return 'unsettled';
    const own = (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
    return count === this.#count && hash === own ? 'agrees' : 'differs';
  }

  /** The account is known to differ until the client has seen what was pushed so far. */
  unsettleUntilNow(): void {
    this.#settledFrom = this.#lastPush;
  }

  #applyUpTo(pushSeen: number): void {
    let applied = 0;
    for (const event of this.#events) {
      if (event.push > pushSeen) break;
      applied += 1;
      const member = this.#members.get(event.requestId);
      if (member === undefined) continue;
      if (event.gained && !member.seen) {
        member.seen = true;
        this.#toggle(member, 1);
      } else if (!event.gained) {
        if (member.seen) this.#toggle(member, -1);
        this.#members.delete(event.requestId);
      }
    }
    if (applied > 0) this.#events = this.#events.slice(applied);
  }

  #toggle(member: Member, by: 1 | -1): void {
    this.#high ^= member.high;
    this.#low ^= member.low;
    this.#count += by;
  }
}

/** The last 8 bytes of a UUID in text form, as two 32-bit numbers. Taken digit by digit: no pieces of text on the way. */
function lastEightBytes(leaseId: LeaseId): { readonly high: number; readonly low: number } {
  const high = (hexDigits(leaseId, 19, 23) << 16) | hexDigits(leaseId, 24, 28);
  const low = (hexDigits(leaseId, 28, 32) << 16) | hexDigits(leaseId, 32, 36);
  return { high, low };
}

/** At most seven digits of a canonical UUID, which has them in lower case. */
function hexDigits(text: string, from: number, to: number): number {
  let value = 0;
  for (let index = from; index < to; index += 1) {
    const code = text.charCodeAt(index);
    value = (value << 4) | (code <= NINE ? code - ZERO : code - LETTER_A + 10);
  }
  return value;
}
