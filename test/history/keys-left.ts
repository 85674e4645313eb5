import type { Court } from './terms.js';

/** A key that a node still has when everything has had time to end. */
export interface KeyLeft {
  readonly node: string;
  readonly key: string;
  /** The node's own bookkeeping has no end, and is a few keys whatever happens. */
  readonly kind: 'lock' | 'ballot' | 'own' | 'other';
  /** `undefined`: it stays for ever. */
  readonly expiresInMs: number | undefined;
}

/** What may be left. */
export interface KeysAllowed {
  /** Names that were ever locked: a ballot may be left of each. */
  readonly names: number;
  /** For how long a ballot may be kept, and anything else that is no lock. */
  readonly ballotMs: number;
}

/**
 * I6: when everything has had time to end no node has a lock any more, it has a ballot at most for each name that was used,
 * and each of them ends by itself.
 *
 * What is left at the end says it; how it came to be there does not matter.
 */
export function judgeKeys(court: Court, keys: readonly KeyLeft[], allowed: KeysAllowed): void {
  for (const problem of problemsOfKeys(keys, allowed)) court.accuse('I6', problem, court.nowMs);
}

/** The same in words, for whoever looks again and again until there is nothing to say. */
export function problemsOfKeys(keys: readonly KeyLeft[], { names, ballotMs }: KeysAllowed): readonly string[] {
  const problems: string[] = [];
  const ballots = new Map<string, number>();
  for (const { node, key, kind, expiresInMs } of keys) {
    if (kind === 'own') continue;
    if (kind === 'ballot') ballots.set(node, (ballots.get(node) ?? 0) + 1);
    if (kind === 'lock') problems.push(`${node} still has the lock ${key}`);
    if (expiresInMs === undefined) problems.push(`${node} keeps ${key} for ever`);
    else if (kind !== 'lock' && expiresInMs > ballotMs) problems.push(`${node} keeps ${key} too long`);
  }
  for (const [node, count] of ballots) {
    if (count > names) problems.push(`${node} keeps ${count} ballots of ${names} names`);
  }
  return problems;
}
