import { expect } from 'chai';
import type { Hash } from '../../server/src/core/names.js';
import {
  type AcquireEntry,
  type AcquireVote,
  type BatchReply,
  lockValue,
  type NodeBatch,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { ask, BatchLane, type BatchNode, type PairVerb } from '../bench/generator/quorum-batch.js';

type Answer = (reply: BatchReply<PairVerb>) => void;

/** Answers when told to. */
class SlowNode implements BatchNode {
  readonly unanswered: Answer[] = [];

  constructor(readonly id: string) {}

  batch(_: NodeBatch<PairVerb>, answered: Answer): void {
    this.unanswered.push(answered);
  }

  answer(reply: BatchReply<PairVerb>): void {
    const answered = this.unanswered.shift();
    if (answered === undefined) throw new Error(`${this.id} was not asked`);
    answered(reply);
  }
}

const STANDING = { nowUs: 1, clockUs: 1, admitted: true, configuration: undefined };
const OK: AcquireVote = { kind: 'ok' };
const HELD: AcquireVote = { kind: 'held', value: 'other:1', expiresInMs: 5, holder: undefined };

function votes(...each: readonly AcquireVote[]): BatchReply<PairVerb> {
  return { kind: 'votes', standing: STANDING, votes: each };
}

function entry(name: string): AcquireEntry {
  return { key: name, value: lockValue('h' as Hash, 1), expiryMs: 1_000, earlierHashes: [], waitingSinceUs: 0 };
}

function batchOf(...names: readonly string[]): NodeBatch<'acquire'> {
  return { verb: 'acquire', entries: names.map(entry) };
}

function cluster() {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => new SlowNode(id));
  return { nodes, lanes: nodes.map((node) => new BatchLane(node, 2)) };
}

/** How a promise stands once everything that was due has run. */
async function state(promise: Promise<void>): Promise<string> {
  let told = 'pending';
  promise.then(
    () => {
      told = 'resolved';
    },
    (error: Error) => {
      told = error.message;
    },
  );
  await new Promise<void>((resolve) => setImmediate(resolve));
  return told;
}

describe('a batch at all nodes', () => {
  it('is decided when each entry has a majority, not when most entries have', async () => {
    const { nodes, lanes } = cluster();
    const { decided, answered } = ask(lanes, batchOf('x', 'y'));
    for (const node of nodes.slice(0, 2)) node.answer(votes(OK, OK));
    nodes[2]?.answer(votes(OK, HELD));
    expect(await state(decided)).to.equal('pending');
    nodes[3]?.answer(votes(HELD, OK));
    expect(await state(decided)).to.equal('resolved');
    expect(await state(answered)).to.equal('pending');
    nodes[4]?.answer(votes(OK, OK));
    expect(await state(answered)).to.equal('resolved');
  });

  it('fails when all have answered and an entry has no majority', async () => {
    const { nodes, lanes } = cluster();
    const { decided, answered } = ask(lanes, batchOf('x', 'y'));
    for (const [index, node] of nodes.entries()) node.answer(votes(OK, index < 2 ? OK : HELD));
    const message = '1 entries of a batch had no majority for acquire';
    expect([await state(decided), await state(answered)]).to.deep.equal([message, message]);
  });

  it('fails with the first node that fails, even one that answers at once', async () => {
    const { nodes, lanes } = cluster();
    const refusing: BatchNode = {
      id: 'f',
      batch: (_, answered) => answered({ kind: 'fault', fault: { kind: 'unreachable', message: 'is gone' } }),
    };
    const { decided } = ask([...lanes, new BatchLane(refusing, 2)], batchOf('x'));
    expect(await state(decided)).to.equal('acquire at f: is gone');
    expect(nodes.map(({ unanswered }) => unanswered.length)).to.deep.equal([1, 1, 1, 1, 1]);
  });
});

describe('the way to a node', () => {
  it('has so many calls on it at most, in the order they were made', () => {
    const node = new SlowNode('a');
    const lane = new BatchLane(node, 2);
    const done: string[] = [];
    for (const name of ['1', '2', '3', '4']) lane.send(batchOf(name), () => done.push(name));
    expect(node.unanswered).to.have.lengthOf(2);
    node.answer(votes(OK));
    expect([done, node.unanswered.length]).to.deep.equal([['1'], 2]);
    for (let left = 0; left < 3; left++) node.answer(votes(OK));
    expect([done, node.unanswered.length]).to.deep.equal([['1', '2', '3', '4'], 0]);
  });
});
