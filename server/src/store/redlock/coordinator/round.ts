import type { Clock, Timer } from '../../../core/ports.js';
import type { Electorate } from './electorate.js';
import type { Absence, Motion } from './motion.js';
import type { LaneCall, NodeLane } from './node-lane.js';
import type { BatchReply, BatchVerb, NodeBatch, NodeFault } from './redis-node.js';

const GRANTING: ReadonlySet<BatchVerb> = new Set(['acquire', 'hand_off']);

export interface RoundPorts {
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly electorate: Electorate;
  readonly lanes: readonly NodeLane[];
}

/**
 * Puts one batch of motions to all nodes, and hands each its votes until the deadline and beyond. Calls `over` when every
 * motion is decided.
 */
export function putToVote<V extends BatchVerb>(
  ports: RoundPorts,
  verb: V,
  motions: readonly Motion<V>[],
  deadlineMs: number,
  over: () => void = () => undefined,
): void {
  const { clock, electorate, lanes } = ports;
  const batch: NodeBatch<V> = { verb, entries: motions.map((motion) => motion.entry) };
  const outstanding = new Map<number, LaneCall>();
  const answered = new Set<number>();
  let late = false;
  let deadline: Timer | undefined;
  for (const lane of lanes) {
    const node = lane.index;
    const call = lane.call(batch, (reply) => {
      answered.add(node);
      outstanding.delete(node);
      hear(electorate, verb, motions, node, reply, late);
      if (answered.size < lanes.length || late) return;
      deadline?.cancel();
      over();
    });
    if (!answered.has(node)) outstanding.set(node, call);
  }
  if (answered.size === lanes.length) return;
  deadline = clock.after(deadlineMs, () => {
    late = true;
    const absence: Absence = { kind: 'timed_out', message: `timed out after ${Math.round(deadlineMs)} ms` };
    for (const [node, call] of outstanding) {
      const sent = call.expire();
      for (const motion of motions) motion.absent(node, absence, sent, false);
    }
    over();
  });
}

/**
 * Hands out one node's votes. What grants needs a voter; what only keeps or frees a lease is anybody's word who has it, so
 * that leases outlive the quarantine of a node.
 */
function hear<V extends BatchVerb>(
  electorate: Electorate,
  verb: V,
  motions: readonly Motion<V>[],
  node: number,
  reply: BatchReply<V>,
  late: boolean,
): void {
  switch (reply.kind) {
    case 'votes': {
      const { nowUs } = reply.standing;
      if (GRANTING.has(verb) && !electorate.mayVote(node)) {
        // Something was done there, by a node whose word does not count.
        const absence: Absence = { kind: 'unverified', message: 'is being checked' };
        for (const motion of motions) motion.absent(node, absence, true, late);
        return;
      }
      motions.forEach((motion, index) => {
        const vote = reply.votes[index];
        if (vote === undefined) throw new Error(`${electorate.nodeName(node)} answered ${reply.votes.length} entries`);
        motion.vote(node, vote, nowUs, late);
      });
      return;
    }
    case 'barred': {
      const message = reply.why === 'not_admitted' ? 'is not admitted' : 'has another configuration';
      for (const motion of motions) motion.absent(node, { kind: 'unverified', message }, false, late);
      return;
    }
    case 'fault': {
      // Its absence was noted at the deadline.
      if (late) return;
      const sent = mayHaveArrived(reply.fault);
      for (const motion of motions) motion.absent(node, reply.fault, sent, late);
      return;
    }
  }
}

/** Whether the node may have done what was asked in spite of the fault. */
function mayHaveArrived({ kind }: NodeFault): boolean {
  switch (kind) {
    case 'unreachable':
    case 'timed_out':
    case 'cannot_persist':
    // It may concern one key of a batch, after others were taken care of.
    case 'no_permission':
    case 'error':
      return true;
    case 'refused_password':
    case 'read_only':
    case 'loading':
    case 'unverified':
    case 'unsuitable':
    case 'overloaded':
      return false;
  }
}
