import type { NodeFault } from '../coordinator/redis-node.js';
import type { Connection } from './connection.js';
import { type Inspection, inspect } from './node-info.js';
import { type ScriptShas, scriptTexts } from './scripts/all-scripts.js';
import type { ScriptConstants } from './scripts/prelude.js';

/** Asks the node what it is. */
export async function verify(connection: Connection): Promise<Inspection> {
  const outcome = await connection.ask('info');
  if (outcome.kind === 'fault') return { kind: 'unfit', fault: outcome.fault };
  return inspect(String(outcome.reply));
}

export type Loaded =
  | { readonly kind: 'loaded'; readonly shas: ScriptShas }
  | { readonly kind: 'fault'; readonly fault: NodeFault };

/** Has the node keep its scripts; their texts hold the identity it was verified for. */
export async function loadScripts(connection: Connection, constants: ScriptConstants): Promise<Loaded> {
  const loading = scriptTexts(constants).map(async ([name, text]) => {
    const outcome = await connection.ask('script', 'load', text);
    return { name, outcome };
  });
  const shas: Record<string, string> = {};
  for (const { name, outcome } of await Promise.all(loading)) {
    if (outcome.kind === 'fault') return outcome;
    shas[name] = String(outcome.reply);
  }
  return { kind: 'loaded', shas: shas as ScriptShas };
}
