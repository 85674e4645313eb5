import { createHash } from 'node:crypto';

/** What all servers of a cluster must agree on before any of them grants anything. */
export interface ClusterTerms {
  readonly clusterId: string;
  /** The logical names; their order does not matter, nor where the nodes are. */
  readonly nodeIds: readonly string[];
  /** w, in milliseconds. */
  readonly windowMs: number;
  /** ρ; 0.01 is 1 %. */
  readonly clockRateDrift: number;
  readonly keyTemplate: string;
}

/** 64 bits. */
const HASH_DIGITS = 16;

/** The terms as one text that is the same wherever they are the same. Part of what servers of different builds agree on. */
export function canonicalTerms({ clusterId, nodeIds, windowMs, clockRateDrift, keyTemplate }: ClusterTerms): string {
  return JSON.stringify([
    ['cluster', clusterId],
    ['nodes', nodeIds.length, ...[...nodeIds].sort()],
    ['window_ms', windowMs],
    // Parts in a million: what a share looks like as a text differs between languages.
    ['clock_drift_ppm', Math.round(clockRateDrift * 1e6)],
    ['key_template', keyTemplate],
  ]);
}

/** What the nodes keep of the terms: the first 16 hexadecimal digits of the SHA-256 of their text. */
export function termsHash(terms: ClusterTerms): string {
  return createHash('sha256').update(canonicalTerms(terms)).digest('hex').slice(0, HASH_DIGITS);
}
