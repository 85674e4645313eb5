import type { BatchReply, BatchVerb, BatchVerbs, NodeBatch, NodeStanding } from '../coordinator/redis-node.js';
import { readConfiguration } from './configuration-text.js';
import { BATCH_SCRIPTS } from './scripts/all-scripts.js';
import { Details } from './scripts/details.js';

/** A script's reply to a batch. Throws for what no script answers. */
export function readBatchReply<V extends BatchVerb>(batch: NodeBatch<V>, reply: unknown): BatchReply<V> {
  const parts = partsOf(reply);
  const { how, standing } = readStanding(parts[0]);
  if (how !== 'votes') return { kind: 'barred', standing, why: how };
  return { kind: 'votes', standing, votes: readVotes(batch, parts) };
}

function readVotes<V extends BatchVerb>(batch: NodeBatch<V>, parts: readonly unknown[]): BatchVerbs[V]['vote'][] {
  const letters = parts[1];
  if (typeof letters !== 'string' || letters.length !== batch.entries.length) {
    throw new TypeError('not one vote for each entry');
  }
  const script = BATCH_SCRIPTS[batch.verb];
  const details = new Details(parts, 2);
  const votes: BatchVerbs[V]['vote'][] = [];
  for (const letter of letters) votes.push(script.decode(letter, details));
  return votes;
}

/** A script's reply to an errand, up to its details. */
export function readErrandReply(reply: unknown): { readonly standing: NodeStanding; readonly details: Details } {
  const parts = partsOf(reply);
  return { standing: readStanding(parts[0]).standing, details: new Details(parts, 1) };
}

function partsOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new TypeError('the reply is not a list');
  return reply;
}

type How = 'votes' | 'not_admitted' | 'other_configuration';
const STANDING = /^(votes|not_admitted|other_configuration) (\d+) (\d+) ([01]) (.*)$/s;

function readStanding(part: unknown): { readonly how: How; readonly standing: NodeStanding } {
  const [, how, nowUs, clockUs, admitted, configuration = ''] = STANDING.exec(String(part)) ?? [];
  if (how === undefined) throw new TypeError('the reply does not say how the node stands');
  return {
    how: how as How,
    standing: {
      nowUs: Number(nowUs),
      clockUs: Number(clockUs),
      admitted: admitted === '1',
      configuration: readConfiguration(configuration),
    },
  };
}
