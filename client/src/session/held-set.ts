import { IdTable } from './id-table.js';

/** Older unanswered beats are not asked about any more. */
const MAX_OPEN_BEATS = 8;

interface Member {
  readonly requestId: number;
  /** The last 8 bytes of the lease id, as two signed numbers of 32 bits: V8 keeps those without an object each. */
  readonly high: number;
  readonly low: number;
  /** The last frame id used when the lease came in: later frames know of it. */
  readonly since: number;
}

interface Departure {
  readonly requestId: number;
  readonly since: number;
  /** The last frame id used when the lease went out. */
  readonly until: number;
}

/**
 * The leases the client counts as held on its present stream, kept as a count and a hash, so that a beat costs the same
 * however many there are. Remembers who left since the oldest unanswered beat, so that it can say what was held then.
 */
export class HeldSet {
  readonly #members = new IdTable<Member>();
  #high = 0;
  #low = 0;
  #openBeats: number[] = [];
  #departures: Departure[] = [];

  get count(): number {
    return this.#members.size;
  }

  /** XOR of the last 8 bytes of all lease ids, as an unsigned big-endian number. */
  get hash(): bigint {
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  has(requestId: number): boolean {
    return this.#members.has(requestId);
  }

  /** Starts over, for a new stream. */
  clear(): void {
    this.#members.clear();
    this.#high = 0;
    this.#low = 0;
    this.#openBeats = [];
    this.#departures = [];
  }

  add(requestId: number, leaseId: string, lastFrameId: number): void {
    if (this.#members.has(requestId)) return;
    const high = (hexAt(leaseId, 19, 23) << 16) | hexAt(leaseId, 24, 28);
    const low = hexAt(leaseId, 28, 36) | 0;
    this.#members.set(requestId, { requestId, high, low, since: lastFrameId });
    this.#toggle(high, low);
  }

  remove(requestId: number, lastFrameId: number): void {
    const member = this.#members.delete(requestId);
    if (member === undefined) return;
    this.#toggle(member.high, member.low);
    if (this.#openBeats.length > 0) this.#departures.push({ requestId, since: member.since, until: lastFrameId });
  }

  /** A Heartbeat with this id says what is held now. */
  beatSent(id: number): void {
    this.#openBeats.push(id);
    if (this.#openBeats.length > MAX_OPEN_BEATS) this.beatAnswered(this.#openBeats[0] ?? id);
  }

  /** The Heartbeat with this id will not be asked about any more. */
  beatAnswered(id: number): void {
    if (!this.#openBeats.includes(id)) return;
    this.#openBeats = this.#openBeats.filter((beat) => beat !== id);
    const oldest = this.#openBeats[0];
    this.#departures = oldest === undefined ? [] : this.#departures.filter(({ until }) => until >= oldest);
  }

  /** The requests whose leases were held when the Heartbeat with this id was made. */
  heldAt(beatId: number): number[] {
    const held: number[] = [];
    for (const { requestId, since } of this.#members.values()) if (since < beatId) held.push(requestId);
    for (const { requestId, since, until } of this.#departures) {
      if (since < beatId && beatId <= until) held.push(requestId);
    }
    return held;
  }

  #toggle(high: number, low: number): void {
    this.#high ^= high;
    this.#low ^= low;
  }
}

function hexAt(text: string, begin: number, end: number): number {
  return Number.parseInt(text.slice(begin, end), 16);
}
