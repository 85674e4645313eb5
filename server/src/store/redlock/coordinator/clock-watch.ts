import type { Clock, Timer } from '../../../core/ports.js';
import { ALIKE_MS, alike, type Movement, movedAlike, movedToo } from './clock-movement.js';
import { NodeClock, type OffsetInterval, offsetInterval } from './node-clock.js';
import type { NodeStanding } from './redis-node.js';

/** Two measurements further apart than this, and than clock rates explain, are no accident of scheduling. */
const FAULT_MS = 100;
/**
 * How long a verdict waits for the other nodes to be measured, once a quorum of them has been; before, it waits for that. The
 * node under suspicion does not vote meanwhile.
 */
const HOLD_MS = 1_000;
/** A node that had not been heard for so long when the suspect last was is not waited for. */
const RECENT_MS = 3_000;
/** Who was blamed so lately may have been blamed for what another node shows only now. */
const BLAMED_MS = 5_000;

export interface ClockWatchPorts {
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  /** Ask every node for its time now. */
  measureAll(): void;
  /** The clock of this node has moved: it must not vote until it has been waited for. */
  moved(node: number, shiftMs: number): void;
  /** This server may be what has moved. Nothing is granted until `trusted`. */
  suspected(why: SelfSuspicion): void;
  /** The nodes' clocks agree with each other again. */
  trusted(): void;
}

/** `stall`: the process stood still. `shift`: several nodes seem to have moved alike. */
export type SelfSuspicion = 'stall' | 'shift';

/** A node whose clock seems to have moved, before it is known whether it was this server's. */
interface Suspicion extends Movement {
  readonly sinceMs: number;
  /** After that its clock was where it used to be once more. */
  readonly goodMs: number;
  /** What will hold if it is at fault. */
  readonly latest: Measurement;
}

/**
 * What another node has to say. `fellow`: it has moved alike, though not so far that it is a suspect. `unclear`: it may have, as far
 * as its slow answers tell. `none`: it cannot know, or is a suspect itself.
 */
type Role = 'witness' | 'fellow' | 'unheard' | 'unclear' | 'none';

interface Measurement {
  readonly interval: OffsetInterval;
  readonly sentMs: number;
  readonly receivedMs: number;
}

/**
 * Tells nodes whose clock has moved from a server whose own has.
 *
 * A clock of a server that moves makes all nodes seem to move by the same amount at the same moment; a clock of a node
 * moves alone. So whoever is seen to move is held, without a vote, until the others have been measured by calls sent
 * afterwards. Those that moved alike and those that did not are counted: the smaller group has moved. When it is the
 * server and its company, no node is blamed: the server measures anew, and grants nothing until that agrees with itself.
 */
export class ClockWatch {
  readonly #clocks: readonly NodeClock[];
  readonly #suspicions = new Map<number, Suspicion>();
  /** What the latest answer of each node said, if it was not suspicious. */
  readonly #unmoved = new Map<number, { readonly shift: OffsetInterval; readonly sentMs: number }>();
  /** Since when the server suspects itself, and who has contradicted that. */
  #ownSinceMs: number | undefined;
  readonly #agreeing = new Set<number>();
  #blamed: readonly { readonly node: number; readonly suspicion: Suspicion; readonly atMs: number }[] = [];
  /** When the server's own clock was found to have moved. */
  #anewMs = Number.NEGATIVE_INFINITY;
  #hold: Timer | undefined;

  constructor(
    size: number,
    private readonly quorum: number,
    clockRateDrift: number,
    private readonly ports: ClockWatchPorts,
  ) {
    this.#clocks = Array.from({ length: size }, () => new NodeClock(clockRateDrift));
  }

  get suspectsItself(): boolean {
    return this.#ownSinceMs !== undefined;
  }

  /** Whether this node waits for a verdict. */
  suspects(node: number): boolean {
    return this.#suspicions.has(node);
  }

  clockOf(node: number): NodeClock {
    const clock = this.#clocks[node];
    if (clock === undefined) throw new RangeError(`there is no node ${node}`);
    return clock;
  }

  /** The node is another process, perhaps on another host: nothing is known of its clock. */
  forget(node: number): void {
    this.clockOf(node).forget();
    this.#suspicions.delete(node);
    this.#unmoved.delete(node);
    this.#agreeing.delete(node);
    this.#judge();
  }

  /** The process stood still for a while: the moments it noted may be wrong. */
  stalled(): void {
    this.#suspectItself('stall');
    this.ports.measureAll();
  }

  /** Takes the time that a node has told with any answer. */
  observed(node: number, { clockUs }: Pick<NodeStanding, 'clockUs'>, sentMs: number, receivedMs: number): void {
    // It spans the movement, and so bounds nothing.
    if (sentMs < this.#anewMs) return;
    const clock = this.clockOf(node);
    const interval = offsetInterval(clockUs, sentMs, receivedMs);
    const measurement = { interval, sentMs, receivedMs };
    const held = this.#suspicions.get(node);
    if (held !== undefined) {
      clock.timed(receivedMs - sentMs);
      // A slow answer bounds a clock so loosely that its movement is like any other.
      const isClear = interval.highMs - interval.lowMs <= ALIKE_MS;
      const nowShift = (isClear ? clock.shiftTo(interval, receivedMs) : undefined) ?? held.nowShift;
      this.#suspicions.set(node, { ...held, nowShift, latest: measurement });
      this.#judge();
      return;
    }
    const shift = clock.shiftTo(interval, receivedMs);
    if (shift !== undefined && (shift.lowMs > FAULT_MS || shift.highMs < -FAULT_MS)) {
      this.#suspect(node, shift, measurement);
      return;
    }
    clock.learn(interval, sentMs, receivedMs);
    if (shift !== undefined) {
      this.#unmoved.set(node, { shift, sentMs });
      if (this.#ownSinceMs !== undefined && sentMs >= this.#ownSinceMs) this.#agreeing.add(node);
    }
    this.#judge();
  }

  close(): void {
    this.#hold?.cancel();
  }

  #suspect(node: number, shift: OffsetInterval, latest: Measurement): void {
    const goodMs = this.clockOf(node).lastSentMs;
    const suspicion: Suspicion = { sinceMs: latest.receivedMs, goodMs, shift, nowShift: shift, latest };
    for (const other of this.#suspicions.values()) {
      if (movedAlike(other, suspicion)) this.#suspectItself('shift');
    }
    this.#suspicions.set(node, suspicion);
    this.#unmoved.delete(node);
    this.#agreeing.delete(node);
    this.ports.measureAll();
    this.#judge();
  }

  #suspectItself(why: SelfSuspicion): void {
    const before = this.#ownSinceMs;
    this.#ownSinceMs = this.ports.clock.nowMs();
    this.#agreeing.clear();
    if (before === undefined) this.ports.suspected(why);
  }

  /** Decides what can be decided. A verdict may leave fewer open questions for the next. */
  #judge(): void {
    for (const [node, suspicion] of this.#suspicions) {
      switch (this.#verdict(node, suspicion)) {
        case 'node':
          this.#convict(node, suspicion);
          break;
        case 'server':
          this.#beginAnew(suspicion);
          break;
        case 'open':
          break;
      }
    }
    if (this.#ownSinceMs !== undefined && this.#suspicions.size === 0 && this.#agreeing.size >= this.quorum) {
      this.#ownSinceMs = undefined;
      this.#agreeing.clear();
      this.ports.trusted();
    }
    this.#arm();
  }

  #verdict(node: number, suspicion: Suspicion): 'node' | 'server' | 'open' {
    let company = this.#likeSuspects(suspicion);
    let witnesses = 0;
    let unheard = 0;
    let unclear = 0;
    this.#clocks.forEach((_, other) => {
      if (other === node) return;
      const role = this.#roleOf(other, suspicion);
      if (role === 'witness') witnesses += 1;
      if (role === 'fellow') company += 1;
      if (role === 'unheard' || role === 'unclear') unheard += 1;
      if (role === 'unclear') unclear += 1;
    });
    // Nobody says that it was not this server: those who were blamed for the same count as well.
    if (witnesses === 0) company += this.#blamedFor(node, suspicion);
    // A server whose machine slept meets its nodes again one by one: the first that comes back is not yet to blame.
    // Who has answered since, and has not made it clear, will not.
    const tooFew = unheard > unclear && company + witnesses + unclear < this.quorum;
    const overdue = this.ports.clock.nowMs() >= suspicion.sinceMs + HOLD_MS;
    const undecided = company + unheard > witnesses && company <= witnesses + unheard;
    if (unheard > 0 && (tooFew || (undecided && !overdue))) return 'open';
    return company >= 2 && company > witnesses ? 'server' : 'node';
  }

  /** What another node has to say on whether it was the server that moved. */
  #roleOf(other: number, suspicion: Suspicion): Role {
    const suspect = this.#suspicions.get(other);
    if (suspect !== undefined) {
      if (movedAlike(suspect, suspicion)) return 'none';
      return this.#likeSuspects(suspect) >= 2 ? 'witness' : 'none';
    }
    const clock = this.clockOf(other);
    const knewBefore = clock.measured && clock.firstSentMs <= suspicion.goodMs;
    if (!knewBefore || clock.lastReceivedMs < suspicion.goodMs - RECENT_MS) return 'none';
    const unmoved = this.#unmoved.get(other);
    if (unmoved === undefined || unmoved.sentMs < suspicion.sinceMs) return 'unheard';
    if (movedToo(unmoved.shift, suspicion.shift)) return 'fellow';
    return alike(unmoved.shift, suspicion.shift) ? 'unclear' : 'witness';
  }

  #likeSuspects(suspicion: Suspicion): number {
    return [...this.#suspicions.values()].filter((other) => movedAlike(other, suspicion)).length;
  }

  #blamedFor(node: number, suspicion: Suspicion): number {
    const sinceMs = this.ports.clock.nowMs() - BLAMED_MS;
    this.#blamed = this.#blamed.filter(({ atMs }) => atMs > sinceMs);
    return this.#blamed.filter((other) => other.node !== node && movedAlike(other.suspicion, suspicion)).length;
  }

  #convict(node: number, suspicion: Suspicion): void {
    const { shift, latest } = suspicion;
    this.#suspicions.delete(node);
    const others = this.#blamed.filter((other) => other.node !== node);
    this.#blamed = [...others, { node, suspicion, atMs: this.ports.clock.nowMs() }];
    const clock = this.clockOf(node);
    clock.forget();
    clock.learn(latest.interval, latest.sentMs, latest.receivedMs);
    this.ports.moved(node, (shift.lowMs + shift.highMs) / 2);
  }

  /** The server's own clock has moved: what was measured before is void, and nobody who moved alike is to blame. */
  #beginAnew(own: Suspicion): void {
    for (const [node, suspicion] of this.#suspicions) {
      if (!movedAlike(suspicion, own)) this.#convict(node, suspicion);
    }
    this.#suspicions.clear();
    this.#unmoved.clear();
    for (const clock of this.#clocks) clock.forget();
    this.#anewMs = this.ports.clock.nowMs();
    this.#suspectItself('shift');
    this.ports.measureAll();
  }

  #arm(): void {
    this.#hold?.cancel();
    this.#hold = undefined;
    const nowMs = this.ports.clock.nowMs();
    const ends = [...this.#suspicions.values()]
      .map(({ sinceMs }) => sinceMs + HOLD_MS)
      .filter((endMs) => endMs > nowMs);
    if (ends.length > 0) this.#hold = this.ports.clock.after(Math.min(...ends) - nowMs, () => this.#judge());
  }
}
