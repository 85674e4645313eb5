import type {
  ClusterConfiguration,
  NodeStanding,
  NodeToken,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import type { Keyspace } from './keyspace.js';

/** Bookkeeping of a node. The zero byte keeps it apart from every lock key. */
export const BOOKKEEPING = {
  admission: '\u0000admission',
  /** `hash/generation`. */
  configuration: '\u0000configuration',
  highestUs: '\u0000highest moment',
  mark: '\u0000mark',
  greatestTtlMs: '\u0000greatest time to live',
  /** There as long as somebody wants some lock. */
  wants: '\u0000wants',
} as const;

export const BALLOT_PREFIX = '\u0000ballot ';
export const WANT_PREFIX = '\u0000want ';
export const PRECEDENCE_PREFIX = '\u0000precedence ';
export const QUESTION_PREFIX = '\u0000question ';
export const HOLDER_PREFIX = '\u0000holder ';

export const ballotKey = (lock: string): string => `${BALLOT_PREFIX}${lock}`;
export const wantKey = (lock: string): string => `${WANT_PREFIX}${lock}`;
export const precedenceKey = (lock: string): string => `${PRECEDENCE_PREFIX}${lock}`;
export const questionKey = (lock: string): string => `${QUESTION_PREFIX}${lock}`;
export const holderKey = (lock: string): string => `${HOLDER_PREFIX}${lock}`;

/** A lock key of another type than a string, as a foreign client may have left it. */
export const WRONG_TYPE = '\u0000wrong type';

/** A script has met a key of another type: its entry fails, and no other. */
export class WrongType extends Error {}

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
  /** Writes that need memory are refused, until the script has made one that needs none. */
  outOfMemory: boolean;
  /** Tells every server that listens. */
  publish(hint: 'released' | 'wanted', key: string): void;
}

export function standing(ctx: ScriptContext): NodeStanding {
  return {
    nowUs: nowUs(ctx),
    clockUs: ctx.clockUs,
    admitted: ctx.without.has('quarantine') || ctx.keys.get(BOOKKEEPING.admission) === ctx.identity,
    configuration: configurationOf(ctx.keys.get(BOOKKEEPING.configuration)),
  };
}

/** Nearly all nodes of a run have the same one. */
let lastRead: { readonly text: string; readonly configuration: ClusterConfiguration } | undefined;

function configurationOf(text: string | undefined): ClusterConfiguration | undefined {
  if (text === undefined) return undefined;
  if (lastRead?.text !== text) {
    const [hash = '', generation] = text.split('/');
    lastRead = { text, configuration: { hash, generation: Number(generation) } };
  }
  return lastRead.configuration;
}

/** What a script reads under a key of a lock, which others may have written. */
export function textAt(ctx: ScriptContext, key: string): string | undefined {
  const text = ctx.keys.get(key);
  if (text === WRONG_TYPE) throw new WrongType(key);
  return text;
}

/** The node's time never goes back, as far as it remembers. */
export function nowUs(ctx: ScriptContext): number {
  return Math.max(ctx.clockUs, Number(ctx.keys.get(BOOKKEEPING.highestUs) ?? 0));
}

export function ballotOf(ctx: ScriptContext, lock: string): NodeToken | undefined {
  const ballot = textAt(ctx, ballotKey(lock));
  return ballot === undefined || ballot === '' ? undefined : Number(ballot);
}

/** A ballot that refuses a token is kept for as long again. */
export function keepBallot(ctx: ScriptContext, lock: string): void {
  const ballot = ctx.keys.get(ballotKey(lock));
  if (ballot !== undefined) ctx.keys.set(ballotKey(lock), ballot, keptMs(ctx));
}

export function setBallot(ctx: ScriptContext, lock: string, token: NodeToken): void {
  ctx.keys.set(ballotKey(lock), String(token), keptMs(ctx));
}

/** A ballot is as far ahead of a clock that went back as the node's time is, and lasts by that time. */
function keptMs(ctx: ScriptContext): number {
  return ctx.settings.ballotMs + Math.ceil((nowUs(ctx) - ctx.clockUs) / 1_000);
}
