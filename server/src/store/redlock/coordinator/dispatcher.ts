import { batchLength } from './batch-size.js';
import type { Absence, Motion } from './motion.js';
import { putToVote, type RoundPorts } from './round.js';

/** The verbs that are put to all nodes, in the order in which they leave. What frees comes before what takes. */
const VERBS = ['release', 'hand_off', 'adopt', 'acquire', 'extend'] as const;
export type VotedVerb = (typeof VERBS)[number];

/** Each can wait a little for those before it, but not for ever: after so many of their batches one of its own goes first. */
const PATIENCE_BATCHES = 4;
/** Beyond this a motion fails at once. It is some seconds of work for the nodes. */
const MAX_PENDING = 65_536;

const OVERLOADED: Absence = { kind: 'overloaded', message: 'has too many calls waiting' };

/**
 * Gathers motions while the nodes are busy and puts them to the vote in batches. A batch leaves when a quorum of nodes has
 * room for it: slower ones take it when they can, and hold nobody up.
 */
export class Dispatcher {
  readonly #pending: { readonly [V in VotedVerb]: Motion<V>[] } = {
    release: [],
    hand_off: [],
    adopt: [],
    acquire: [],
    extend: [],
  };
  #count = 0;
  /** Batches of others that have left while a verb waited. */
  readonly #passedOver: { [V in VotedVerb]: number } = { release: 0, hand_off: 0, adopt: 0, acquire: 0, extend: 0 };
  #pumping = false;
  #rounds = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly ports: RoundPorts,
    private readonly nodeDeadlineMs: number,
  ) {}

  /** Puts motions to the vote, now or as soon as the nodes have room. */
  put<V extends VotedVerb>(verb: V, motions: readonly Motion<V>[]): void {
    const pending: Motion<V>[] = this.#pending[verb];
    for (const motion of motions) {
      if (this.#count >= MAX_PENDING) this.#refuse(motion);
      else {
        pending.push(motion);
        this.#count += 1;
      }
    }
    this.pump();
  }

  /** Resolves when everything put so far has been decided. */
  settled(): Promise<void> {
    if (this.#rounds === 0 && this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends whatever the nodes have room for. */
  pump(): void {
    // A node that is not there answers within the call that asks it.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#count > 0 && this.#roomEnough()) this.#sendOne(this.#nextVerb());
    this.#pumping = false;
  }

  #roomEnough(): boolean {
    let ready = 0;
    for (const lane of this.ports.lanes) if (lane.ready) ready += 1;
    return ready >= this.ports.electorate.quorum;
  }

  #nextVerb(): VotedVerb {
    const waiting = VERBS.filter((verb) => this.#pending[verb].length > 0);
    const next = waiting.find((verb) => this.#passedOver[verb] >= PATIENCE_BATCHES) ?? waiting[0] ?? 'extend';
    for (const verb of waiting) this.#passedOver[verb] = verb === next ? 0 : this.#passedOver[verb] + 1;
    return next;
  }

  #sendOne<V extends VotedVerb>(verb: V): void {
    const pending: Motion<V>[] = this.#pending[verb];
    const motions = pending.splice(0, batchLength(pending));
    this.#count -= motions.length;
    let deadlineMs = this.nodeDeadlineMs;
    for (const { ttlMs } of motions) deadlineMs = Math.min(deadlineMs, ttlMs / 10);
    this.#rounds += 1;
    putToVote(this.ports, verb, motions, deadlineMs, () => this.#roundOver());
  }

  #roundOver(): void {
    this.#rounds -= 1;
    // Nodes that let its deadline pass hold nobody up any more.
    this.pump();
    if (this.#rounds > 0 || this.#count > 0) return;
    for (const settled of this.#waiting.splice(0)) settled();
  }

  #refuse<V extends VotedVerb>(motion: Motion<V>): void {
    for (let node = 0; node < this.ports.electorate.size && !motion.decided; node += 1) {
      motion.absent(node, OVERLOADED, false, false);
    }
  }
}
