import type { ErrandReply, NodeErrand, NodeStanding } from '../coordinator/redis-node.js';
import type { Outcome } from './connection.js';
import { readErrandReply } from './reply.js';
import {
  ERRAND_SCRIPTS,
  PAGED_SCRIPTS,
  type PagedKind,
  type PlainKind,
  type ScriptName,
} from './scripts/all-scripts.js';

export type RunScript = (name: ScriptName, args: readonly string[]) => Promise<Outcome>;

/** Runs an errand to its end. Never rejects. */
export async function runErrand(errand: NodeErrand, run: RunScript): Promise<ErrandReply> {
  try {
    switch (errand.kind) {
      case 'census':
      case 'reset':
        return await runPaged(errand.kind, run);
      default:
        return await runPlain(errand.kind, errand, run);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'fault', fault: { kind: 'error', message: `cannot be understood: ${message}` } };
  }
}

async function runPlain<K extends PlainKind>(
  kind: K,
  errand: Extract<NodeErrand, { kind: K }>,
  run: RunScript,
): Promise<ErrandReply> {
  const script = ERRAND_SCRIPTS[kind];
  const outcome = await run(kind, script.args(errand));
  if (outcome.kind === 'fault') return outcome;
  const { standing, details } = readErrandReply(outcome.reply);
  return { kind: 'done', standing, outcome: script.outcome(details) };
}

/** The first page is the one at cursor 0, and the last one leads back to it. */
const FIRST_CURSOR = '0';

async function runPaged(kind: PagedKind, run: RunScript): Promise<ErrandReply> {
  const script = PAGED_SCRIPTS[kind];
  const pages: (readonly string[])[] = [];
  let cursor = FIRST_CURSOR;
  let latest: NodeStanding;
  do {
    const outcome = await run(kind, [cursor]);
    if (outcome.kind === 'fault') return outcome;
    const { standing, details } = readErrandReply(outcome.reply);
    latest = standing;
    cursor = details.text();
    pages.push(details.rest());
  } while (cursor !== FIRST_CURSOR && !script.enough(pages));
  return { kind: 'done', standing: latest, outcome: script.outcome(pages) };
}
