import type {
  AcquireEntry,
  AcquireVote,
  AdoptEntry,
  BatchReply,
  BatchVerb,
  BatchVerbs,
  EntryFault,
  ExtendEntry,
  ExtendVote,
  ForgetEntry,
  ForgetVote,
  HandOffEntry,
  HandOffVote,
  IntroduceEntry,
  IntroduceVote,
  LockValue,
  NodeBatch,
  NodeToken,
  ReleaseEntry,
  ReleaseVote,
  RepairEntry,
  RepairVote,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { sharesKeys } from '../../../server/src/store/redlock/coordinator/settings.js';
import { announce, anyWants, GOES_TO_ANOTHER, goesToAnother, keepWants, wantsOfOthers } from './model-wants.js';
import {
  BOOKKEEPING,
  ballotKey,
  ballotOf,
  holderKey,
  keepBallot,
  nowUs,
  questionKey,
  type ScriptContext,
  setBallot,
  standing,
  textAt,
  WrongType,
} from './script-context.js';

/** How often a holder is asked for by name. */
const QUESTION_MS = 1_000;
/** A value of a secret, and not a text that merely begins like one. */
const ENDS_IN_TOKEN = /:\d+$/;

type Rule<V extends BatchVerb> = (ctx: ScriptContext, entry: BatchVerbs[V]['entry']) => BatchVerbs[V]['vote'];

const RULES: { readonly [V in BatchVerb]: Rule<V> } = {
  acquire,
  hand_off: handOff,
  release,
  extend,
  adopt,
  repair,
  introduce,
  forget,
};

/** Runs one batch as one script, at one moment. */
export function runBatch<V extends BatchVerb>(ctx: ScriptContext, batch: NodeBatch<V>): BatchReply<V> {
  const before = standing(ctx);
  if (batch.verb === 'acquire' || batch.verb === 'hand_off') {
    if (!before.admitted) return { kind: 'barred', standing: before, why: 'not_admitted' };
    const { configuration } = before;
    const { hash, generation } = ctx.settings.configuration;
    if (configuration?.hash !== hash || configuration.generation !== generation) {
      return { kind: 'barred', standing: before, why: 'other_configuration' };
    }
  }
  const rule: Rule<V> = RULES[batch.verb];
  const votes = batch.entries.map((entry) => {
    try {
      return rule(ctx, entry);
    } catch (error) {
      if (!(error instanceof WrongType)) throw error;
      return fault('wrong_type', 'WRONGTYPE Operation against a key holding the wrong kind of value');
    }
  });
  const accepts = batch.verb === 'acquire' || batch.verb === 'hand_off';
  if (accepts && votes.some((vote) => vote.kind === 'ok')) ctx.keys.set(BOOKKEEPING.highestUs, String(before.nowUs));
  return { kind: 'votes', standing: before, votes };
}

function acquire(ctx: ScriptContext, entry: AcquireEntry): AcquireVote {
  const { key } = entry;
  const token = tokenOf(entry.value);
  const outside = outsideWindow(ctx, token);
  // The first command within the window is the one that sets the lock if there is none.
  if (outside === undefined && ctx.outOfMemory) return outOfMemory();
  const there = textAt(ctx, key);
  if (there !== undefined) {
    const mine = entry.earlierHashes.find((hash) => there.startsWith(`${hash}:`) && ENDS_IN_TOKEN.test(there));
    if (mine !== undefined) return { kind: 'mine', hash: mine, token: tokenOf(there) };
    if (entry.waitingSinceUs > 0) leaveWant(ctx, entry, there);
    return { kind: 'held', value: there, expiresInMs: ctx.keys.expiresInMs(key), holder: holderOf(ctx, key, there) };
  }
  if (outside !== undefined) return outside;
  if (goesToAnother(ctx, key, entry.waitingSinceUs)) return GOES_TO_ANOTHER;
  const refusal = refusalOf(ctx, key, token);
  if (refusal !== undefined) return refusal;
  accept(ctx, key, entry.value, entry.expiryMs);
  return { kind: 'ok' };
}

function handOff(ctx: ScriptContext, entry: HandOffEntry): HandOffVote {
  const { key } = entry;
  const there = textAt(ctx, key);
  if (there !== undefined && !entry.from.some((value) => value === there)) return { kind: 'held' };
  const token = tokenOf(entry.value);
  const refusal = outsideWindow(ctx, token) ?? refusalOf(ctx, key, token);
  if (refusal !== undefined) return refusal;
  accept(ctx, key, entry.value, entry.expiryMs);
  const wanted = sharesKeys(ctx.settings) || (anyWants(ctx) && wantsOfOthers(ctx, key).length > 0);
  return { kind: 'ok', how: there === undefined ? 'fresh' : 'swapped', wanted };
}

type Low = { readonly kind: 'low'; readonly ballot: NodeToken };

function outsideWindow(ctx: ScriptContext, token: NodeToken): { readonly kind: 'ahead' | 'behind' } | undefined {
  const windowUs = ctx.without.has('window') ? Number.POSITIVE_INFINITY : ctx.settings.windowMs * 1_000;
  const now = nowUs(ctx);
  if (token > now + windowUs) return { kind: 'ahead' };
  if (token < now - windowUs) return { kind: 'behind' };
  return undefined;
}

function refusalOf(ctx: ScriptContext, lock: string, token: NodeToken): Low | EntryFault | undefined {
  if (ctx.outOfMemory) return outOfMemory();
  const low = lowerThanBallot(ctx, lock, token);
  if (low === undefined) return undefined;
  keepBallot(ctx, lock);
  // What no script has written is further ahead than any token.
  return { kind: 'low', ballot: Math.min(low.ballot, Number.MAX_SAFE_INTEGER) };
}

function lowerThanBallot(ctx: ScriptContext, lock: string, token: NodeToken): Low | undefined {
  const ballot = ctx.without.has('ballots') ? undefined : ballotOf(ctx, lock);
  if (ballot !== undefined && token <= ballot) return { kind: 'low', ballot };
  return undefined;
}

function accept(ctx: ScriptContext, lock: string, value: LockValue, expiryMs: number): void {
  setBallot(ctx, lock, tokenOf(value));
  ctx.keys.set(lock, value, expiryMs);
}

function extend(ctx: ScriptContext, entry: ExtendEntry): ExtendVote {
  const there = textAt(ctx, entry.key);
  if (there === undefined) return { kind: 'missing', ballot: ballotOf(ctx, entry.key) };
  if (!stands(ctx, entry.value, there)) return { kind: 'lost' };
  ctx.keys.raise(entry.key, entry.expiryMs);
  hasWritten(ctx);
  return { kind: 'ok' };
}

function adopt(ctx: ScriptContext, entry: AdoptEntry): ExtendVote {
  const there = textAt(ctx, entry.key);
  if (there === undefined) return { kind: 'missing', ballot: ballotOf(ctx, entry.key) };
  if (there !== entry.value && !entry.presented.some((value) => value === there)) return { kind: 'lost' };
  ctx.keys.raise(entry.key, entry.expiryMs);
  hasWritten(ctx);
  if (there !== entry.value && !ctx.without.has('adoption swap')) {
    ctx.keys.replace(entry.key, entry.value);
  }
  return { kind: 'ok' };
}

/** The whole value decides; where adoptions swap nothing, the token has to do. */
function stands(ctx: ScriptContext, value: LockValue, there: string | undefined): boolean {
  if (there === undefined || value === there) return value === there;
  return ctx.without.has('adoption swap') && tokenOf(value) === tokenOf(there);
}

function release(ctx: ScriptContext, entry: ReleaseEntry): ReleaseVote {
  const { key } = entry;
  const there = textAt(ctx, key);
  const anyone = ctx.without.has('owner of a release');
  const isMine = (value: LockValue): boolean =>
    anyone || stands(ctx, value, there) || (value.endsWith(':') && !!there?.startsWith(value));
  if (there !== undefined && entry.values.some(isMine)) {
    ctx.keys.delete(key);
    hasWritten(ctx);
    return { kind: 'released', wanted: announce(ctx, key, entry.waitingSinceUs) };
  }
  if (entry.tombstone === 0) return { kind: 'gone' };
  const ballot = ballotOf(ctx, key) || 0;
  const raised = Math.min(entry.tombstone + 1, nowUs(ctx) + ctx.settings.windowMs * 1_000);
  if (raised > ballot) {
    hasWritten(ctx);
    setBallot(ctx, key, raised);
  }
  return { kind: 'gone' };
}

function repair(ctx: ScriptContext, entry: RepairEntry): RepairVote {
  if (sharesKeys(ctx.settings)) return { kind: 'refused' };
  const there = textAt(ctx, entry.key);
  const ballot = ballotOf(ctx, entry.key);
  const leftMs = Math.floor((entry.notAfterUs - nowUs(ctx)) / 1_000);
  // What no script has written may not be what it was read as.
  const asRead = String(ballot ?? '') === (textAt(ctx, ballotKey(entry.key)) ?? '');
  if (there !== undefined || !asRead) return { kind: 'refused' };
  if (ballot !== entry.ballot || leftMs < 1) return { kind: 'refused' };
  if (ctx.outOfMemory) return outOfMemory();
  ctx.keys.set(entry.key, entry.value, leftMs);
  if (entry.token > (ballot ?? 0)) setBallot(ctx, entry.key, entry.token);
  return { kind: 'ok' };
}

function introduce(ctx: ScriptContext, entry: IntroduceEntry): IntroduceVote {
  if (textAt(ctx, entry.key) !== entry.value) return { kind: 'refused' };
  if (ctx.outOfMemory) return outOfMemory();
  ctx.keys.set(holderKey(entry.key), `${entry.value} ${entry.holder}`, ctx.settings.ballotMs);
  return { kind: 'ok' };
}

function forget(ctx: ScriptContext, entry: ForgetEntry): ForgetVote {
  const value = textAt(ctx, entry.key);
  if (value === undefined) return { kind: 'absent' };
  const expiresInMs = ctx.keys.expiresInMs(entry.key);
  if (expiresInMs !== -1 && expiresInMs <= entry.longerThanMs) return { kind: 'kept', value, expiresInMs };
  ctx.keys.delete(entry.key);
  hasWritten(ctx);
  announce(ctx, entry.key, 0);
  return { kind: 'forgotten', value, expiresInMs };
}

/** Who is refused by a holder that nobody has introduced asks for that, once in a while. */
function leaveWant(ctx: ScriptContext, { key: lock, waitingSinceUs }: AcquireEntry, value: string): void {
  if (ctx.outOfMemory) return;
  keepWants(ctx, lock, wantsOfOthers(ctx, lock), waitingSinceUs);
  const question = questionKey(lock);
  const isAsked = ctx.keys.has(question) && ctx.keys.expiresInMs(question) <= 2 * QUESTION_MS;
  if (holderOf(ctx, lock, value) !== undefined || isAsked) return;
  ctx.keys.set(question, '1', QUESTION_MS);
  ctx.publish('wanted', lock);
}

/** The holder who was introduced with this very value. */
function holderOf(ctx: ScriptContext, lock: string, value: string): string | undefined {
  const introduced = ctx.keys.get(holderKey(lock));
  return introduced?.startsWith(`${value} `) ? introduced.slice(value.length + 1) : undefined;
}

/** From now on nothing is refused to this script: what it has begun it may finish. */
function hasWritten(ctx: ScriptContext): void {
  ctx.outOfMemory = false;
}

function tokenOf(value: string): NodeToken {
  return Number(value.slice(value.lastIndexOf(':') + 1));
}

function outOfMemory(): EntryFault {
  return fault('out_of_memory', "OOM command not allowed when used memory > 'maxmemory'");
}

function fault(code: EntryFault['code'], message: string): EntryFault {
  return { kind: 'fault', code, message };
}
