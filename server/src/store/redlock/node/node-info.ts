import type { NodeFacts, NodeFault } from '../coordinator/redis-node.js';

export type Inspection =
  | { readonly kind: 'fit'; readonly facts: NodeFacts }
  | { readonly kind: 'unfit'; readonly fault: NodeFault };

const MINIMUM_MAJOR = 7;
const POLICY = 'noeviction';

/** Judges what Redis says of itself by `INFO`. */
export function inspect(info: string): Inspection {
  const fields = new Map<string, string>();
  for (const line of info.split('\n')) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).trimEnd());
  }
  const field = (name: string): string => fields.get(name) ?? '';
  const fault = unfitness(field);
  if (fault !== undefined) return { kind: 'unfit', fault };
  return {
    kind: 'fit',
    facts: {
      identity: `${field('run_id')}:${field('master_replid')}`,
      version: versionOf(field),
      evictedKeys: Number(field('evicted_keys')) || 0,
    },
  };
}

type Field = (name: string) => string;

function unfitness(field: Field): NodeFault | undefined {
  const unsuitable = (message: string): NodeFault => ({ kind: 'unsuitable', message });
  const policy = field('maxmemory_policy');
  if (field('loading') === '1') return { kind: 'loading', message: 'is still loading its data' };
  if (field('run_id') === '' || field('master_replid') === '') return unsuitable('does not say which process it is');
  if (field('redis_mode') !== 'standalone') return unsuitable(`runs in ${field('redis_mode')} mode, not on its own`);
  if (!newEnough(field)) return unsuitable(`is ${versionOf(field)}; it must be Redis ${MINIMUM_MAJOR}.0 or Valkey`);
  if (field('role') !== 'master') return { kind: 'read_only', message: 'is a replica' };
  if (policy !== POLICY) return unsuitable(`has the eviction policy ${policy || '(unknown)'}; it must be ${POLICY}`);
  return undefined;
}

function newEnough(field: Field): boolean {
  return field('valkey_version') !== '' || Number.parseInt(field('redis_version'), 10) >= MINIMUM_MAJOR;
}

function versionOf(field: Field): string {
  const valkey = field('valkey_version');
  return valkey === '' ? `redis ${field('redis_version')}` : `valkey ${valkey}`;
}
