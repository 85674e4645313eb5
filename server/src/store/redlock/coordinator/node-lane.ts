import type { Clock } from '../../../core/ports.js';
import { batchLength } from './batch-size.js';
import type { Electorate } from './electorate.js';
import {
  type BatchReply,
  type BatchVerb,
  MAX_ENTRIES,
  type NodeBatch,
  type RedisNode,
  type ReleaseEntry,
  type RepairEntry,
} from './redis-node.js';

/** Calls a node may have unanswered: one being run, one on its way. More would only wait inside the node. */
const MAX_IN_FLIGHT = 2;
/** Calls that may wait for a node while the others go on. Each is at most one batch. */
const MAX_QUEUED = 32;
/** Releases kept for a node that cannot take them now. What is beyond expires by itself. */
const MAX_CLEANUPS = 4_096;
/** How soon a node that answers, but could not do a chore, is asked again. */
const CHORES_AGAIN_MS = 250;

/** A call on its way through a lane. */
export interface LaneCall {
  /**
   * Its deadline has passed. False when it was still queued: it is not sent any more. True when it was sent: it is answered
   * late or never.
   */
  expire(): boolean;
}

interface SentLater {
  send(): void;
}

const NO_CALL: LaneCall = { expire: () => false };

/** What a lane works with. */
export interface LanePorts {
  readonly node: Pick<RedisNode, 'batch'>;
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly electorate: Pick<Electorate, 'reachable' | 'observed'>;
  /** A chore that is unanswered for so long counts as overdue. */
  readonly deadlineMs: number;
  /** A call was answered: the lane may have room again. */
  readonly relieved: () => void;
}

interface Cleanup {
  readonly entry: ReleaseEntry;
  readonly untilMs: number;
}

/**
 * The traffic of one node: at most two calls unanswered, the rest in order behind them. A node that has let one go past its
 * deadline is *stuck*: calls fail at once until it answers, so that it delays nobody twice (L6).
 *
 * Chores are what only this node needs: leftovers of bids to delete, kept until it can take them, and leases to put back.
 */
export class NodeLane {
  #inFlight = 0;
  #overdue = 0;
  readonly #queue: SentLater[] = [];
  #cleanups: Cleanup[] = [];
  readonly #repairs: { readonly entry: RepairEntry }[] = [];
  /** A chore has failed: it is tried again after the next good answer of the node, or after a while. */
  #choresPause = false;

  constructor(
    readonly index: number,
    private readonly ports: LanePorts,
  ) {}

  /** Whether a call would be sent, or fail, at once. */
  get ready(): boolean {
    return this.#inFlight < MAX_IN_FLIGHT || this.#stuck;
  }

  get #stuck(): boolean {
    return this.#overdue > 0;
  }

  /** Sends the batch as soon as there is room. `answered` is called once, unless the call expires unsent. */
  call<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): LaneCall {
    if (this.#stuck || this.#queue.length >= MAX_QUEUED) {
      const message = this.#stuck ? 'has not answered for some time' : 'has too many calls waiting';
      answered({ kind: 'fault', fault: { kind: 'overloaded', message } });
      return NO_CALL;
    }
    this.#doChores();
    // What an answer sets off comes before the room it leaves is filled: it must not overtake what waits.
    if (this.#inFlight < MAX_IN_FLIGHT && this.#queue.length === 0) return this.#send(batch, answered);
    let sent: LaneCall | undefined;
    const later: SentLater = {
      send: () => {
        sent = this.#send(batch, answered);
      },
    };
    this.#queue.push(later);
    return {
      expire: () => {
        if (sent !== undefined) return sent.expire();
        this.#queue.splice(this.#queue.indexOf(later), 1);
        return false;
      },
    };
  }

  /** Deletes a leftover as soon as the node can be told, and no later than it would expire by itself. */
  cleanUp(entry: ReleaseEntry, untilMs: number): void {
    if (this.#cleanups.length >= MAX_CLEANUPS) this.#cleanups.shift();
    this.#cleanups.push({ entry, untilMs });
    this.#doChores();
  }

  /** Puts a lease back, if the node can be told now. */
  repair(entry: RepairEntry): void {
    const now = !this.#stuck && !this.#choresPause && this.ports.electorate.reachable(this.index);
    if (!now || this.#repairs.length >= MAX_ENTRIES) return;
    this.#repairs.push({ entry });
    this.#doChores();
  }

  /** The node has come back: it can be told what has waited for it. What it missed before it has to miss again. */
  cameBack(): void {
    this.#repairs.length = 0;
    this.#resume();
  }

  #resume(): void {
    this.#choresPause = false;
    this.#fill();
  }

  #fill(): void {
    this.#doChores();
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const later = this.#queue.shift();
      if (later === undefined) return;
      later.send();
    }
  }

  /** Chores go first: a leftover would refuse the very bid that follows. */
  #doChores(): void {
    if (this.#cleanups.length === 0 && this.#repairs.length === 0) return;
    if (this.#choresPause || this.#stuck || !this.ports.electorate.reachable(this.index)) return;
    if (this.#cleanups.length > 0 && this.#inFlight < MAX_IN_FLIGHT) this.#cleanUpNow();
    if (this.#repairs.length > 0 && this.#inFlight < MAX_IN_FLIGHT) {
      const batch = this.#repairs.splice(0, batchLength(this.#repairs));
      this.#sendChore({ verb: 'repair', entries: batch.map(({ entry }) => entry) }, () => undefined);
    }
  }

  #cleanUpNow(): void {
    const nowMs = this.ports.clock.nowMs();
    const due = this.#cleanups.filter(({ untilMs }) => untilMs > nowMs);
    const batch = due.slice(0, batchLength(due));
    this.#cleanups = due.slice(batch.length);
    if (batch.length === 0) return;
    this.#sendChore({ verb: 'release', entries: batch.map(({ entry }) => entry) }, (reply) => {
      if (reply.kind !== 'fault') return;
      this.#cleanups = [...batch, ...this.#cleanups].slice(0, MAX_CLEANUPS);
      this.#choresPause = true;
      // Calls go on meanwhile, and one of them may release what would be put back.
      this.#repairs.splice(0);
      this.ports.clock.after(CHORES_AGAIN_MS, () => this.#resume());
    });
  }

  #sendChore<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    const call = this.#send(batch, answered);
    // An answered call takes no notice of it.
    this.ports.clock.after(this.ports.deadlineMs, () => call.expire());
  }

  #send<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): LaneCall {
    const { clock, electorate, node, relieved } = this.ports;
    let state: 'sent' | 'overdue' | 'answered' = 'sent';
    this.#inFlight += 1;
    const sentMs = clock.nowMs();
    const take = (reply: BatchReply<V>): void => {
      this.#inFlight -= 1;
      if (state === 'overdue') this.#overdue -= 1;
      state = 'answered';
      if (reply.kind !== 'fault') {
        electorate.observed(this.index, reply.standing, sentMs, clock.nowMs());
        this.#choresPause = false;
      }
      answered(reply);
      this.#fill();
      relieved();
    };
    node.batch(batch, take);
    return {
      expire: () => {
        if (state === 'sent') {
          state = 'overdue';
          this.#overdue += 1;
        }
        return true;
      },
    };
  }
}
