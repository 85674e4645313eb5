import type { BatchReply, NodeBatch } from '../../../server/src/store/redlock/coordinator/redis-node.js';

/** The two verbs that make a pair. */
export type PairVerb = 'acquire' | 'release';

/** What is used of a node. */
export interface BatchNode {
  readonly id: string;
  batch(batch: NodeBatch<PairVerb>, answered: (reply: BatchReply<PairVerb>) => void): void;
}

/** A node with so many calls unanswered at most; the others wait in order. */
export class BatchLane {
  #inFlight = 0;
  readonly #queue: (() => void)[] = [];

  constructor(
    readonly node: BatchNode,
    private readonly maxInFlight: number,
  ) {}

  send(batch: NodeBatch<PairVerb>, answered: (reply: BatchReply<PairVerb>) => void): void {
    this.#queue.push(() =>
      this.node.batch(batch, (reply) => {
        this.#inFlight -= 1;
        answered(reply);
        this.#next();
      }),
    );
    this.#next();
  }

  #next(): void {
    while (this.#inFlight < this.maxInFlight) {
      const call = this.#queue.shift();
      if (call === undefined) return;
      this.#inFlight += 1;
      call();
    }
  }
}

/** One batch at all nodes. Both promises reject when a node fails, or when an entry is refused where it must not be. */
export interface AskedBatch {
  /** A majority of the nodes has said yes to each entry. */
  readonly decided: Promise<void>;
  /** Every node has answered. */
  readonly answered: Promise<void>;
}

/** Asks all nodes, and counts for each entry who says yes. */
export function ask(lanes: readonly BatchLane[], batch: NodeBatch<PairVerb>): AskedBatch {
  const quorum = Math.floor(lanes.length / 2) + 1;
  const yes = new Uint8Array(batch.entries.length);
  let undecided = batch.entries.length;
  let decide: () => void = () => undefined;
  const majority = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const answers = lanes.map((lane) => {
    return new Promise<void>((resolve, reject) => {
      lane.send(batch, (reply) => {
        if (reply.kind !== 'votes') {
          const why = reply.kind === 'fault' ? reply.fault.message : `barred: ${reply.why}`;
          reject(new Error(`${batch.verb} at ${lane.node.id}: ${why}`));
          return;
        }
        for (const [index, { kind }] of reply.votes.entries()) {
          if (kind !== 'ok' && kind !== 'released') continue;
          const count = (yes[index] ?? 0) + 1;
          yes[index] = count;
          if (count === quorum) undecided -= 1;
        }
        if (undecided === 0) decide();
        resolve();
      });
    });
  });
  const answered = Promise.all(answers).then(() => {
    if (undecided > 0) throw new Error(`${undecided} entries of a batch had no majority for ${batch.verb}`);
  });
  const decided = Promise.race([majority, answered]);
  // A failure is told by the one that is waited for.
  for (const either of [decided, answered]) either.catch(() => undefined);
  return { decided, answered };
}
