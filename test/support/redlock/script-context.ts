import type { NodeStanding, NodeToken } from '../../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import type { Keyspace } from './keyspace.js';

/** Bookkeeping of a node. The zero byte keeps it apart from every lock key. */
export const BOOKKEEPING = {
  admission: '\u0000admission',
  configurationHash: '\u0000configuration hash',
  configurationGeneration: '\u0000configuration generation',
  highestUs: '\u0000highest moment',
  mark: '\u0000mark',
  greatestTtlMs: '\u0000greatest time to live',
} as const;

export const BALLOT_PREFIX = '\u0000ballot ';
const WANT_PREFIX = '\u0000want ';
const PRECEDENCE_PREFIX = '\u0000precedence ';
const QUESTION_PREFIX = '\u0000question ';
const HOLDER_PREFIX = '\u0000holder ';

export const ballotKey = (lock: string): string => `${BALLOT_PREFIX}${lock}`;
export const wantKey = (lock: string): string => `${WANT_PREFIX}${lock}`;
export const precedenceKey = (lock: string): string => `${PRECEDENCE_PREFIX}${lock}`;
export const questionKey = (lock: string): string => `${QUESTION_PREFIX}${lock}`;
export const holderKey = (lock: string): string => `${HOLDER_PREFIX}${lock}`;

/** A lock key of another type than a string, as a foreign client may have left it. */
export const WRONG_TYPE = '\u0000wrong type';

/** A rule that scripts can be without, in runs that show that it is needed. */
export type ScriptRule = 'ballots' | 'owner of a release' | 'adoption swap' | 'quarantine' | 'window';

/** What a script that a server sent has to do with. */
export interface ScriptContext {
  readonly keys: Keyspace;
  readonly settings: RedlockSettings;
  /** What the server's connection was verified for. */
  readonly identity: string;
  readonly serverId: string;
  readonly clockUs: number;
  /** Rules that do not apply here. */
  readonly without: ReadonlySet<ScriptRule>;
  /** Writes that need memory are refused. */
  readonly outOfMemory: boolean;
  /** Tells every server that listens. */
  publish(hint: 'released' | 'wanted', key: string): void;
}

export function standing(ctx: ScriptContext): NodeStanding {
  const hash = ctx.keys.get(BOOKKEEPING.configurationHash);
  const generation = Number(ctx.keys.get(BOOKKEEPING.configurationGeneration) ?? 0);
  return {
    nowUs: nowUs(ctx),
    clockUs: ctx.clockUs,
    admitted: ctx.without.has('quarantine') || ctx.keys.get(BOOKKEEPING.admission) === ctx.identity,
    configuration: hash === undefined ? undefined : { hash, generation },
  };
}

/** The node's time never goes back, as far as it remembers. */
export function nowUs(ctx: ScriptContext): number {
  return Math.max(ctx.clockUs, Number(ctx.keys.get(BOOKKEEPING.highestUs) ?? 0));
}

export function ballotOf(ctx: ScriptContext, lock: string): NodeToken | undefined {
  const ballot = ctx.keys.get(ballotKey(lock));
  return ballot === undefined ? undefined : Number(ballot);
}

export function setBallot(ctx: ScriptContext, lock: string, token: NodeToken): void {
  ctx.keys.set(ballotKey(lock), String(token), ctx.settings.ballotMs);
}
