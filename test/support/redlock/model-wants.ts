import { BOOKKEEPING, nowUs, precedenceKey, type ScriptContext, wantKey } from './script-context.js';

/** As the scripts have them. */
const WANT_MS = 1_000;
/** Longer than any want, unless the clock has gone back since. */
const WANTS_FLAG_MS = 2 * WANT_MS;
const WANT_LIVE_US = 400_000;
const PRECEDENCE_MS = 250;
const MOST_WANTS = 32;

interface Want {
  readonly who: string;
  readonly sinceUs: number;
  readonly seenUs: number;
}

/** Most of the time there are none. */
const NONE: readonly Want[] = [];

/** The wants of other servers for a lock, as far as they were repeated lately. */
export function wantsOfOthers(ctx: ScriptContext, lock: string): readonly Want[] {
  const text = ctx.keys.get(wantKey(lock));
  if (text === undefined) return NONE;
  const atUs = nowUs(ctx);
  return (JSON.parse(text) as readonly Want[]).filter(
    ({ who, seenUs }) => who !== ctx.serverId && seenUs > atUs - WANT_LIVE_US && seenUs <= atUs,
  );
}

/** Keeps the wants of others, and this server's own where it waits. */
export function keepWants(ctx: ScriptContext, lock: string, others: readonly Want[], sinceUs: number): void {
  if (ctx.outOfMemory) return;
  const own = sinceUs > 0 ? [{ who: ctx.serverId, sinceUs, seenUs: nowUs(ctx) }] : [];
  const wants = [...own, ...others].slice(0, MOST_WANTS);
  if (wants.length === 0) {
    ctx.keys.delete(wantKey(lock));
    return;
  }
  ctx.keys.set(wantKey(lock), JSON.stringify(wants), WANT_MS);
  ctx.keys.set(BOOKKEEPING.wants, '1', WANTS_FLAG_MS);
}

/** Whether a script looks for wants at all: most of the time there is none of any lock. */
export function anyWants(ctx: ScriptContext): boolean {
  return ctx.keys.has(BOOKKEEPING.wants);
}

/** A lock is free: true if another server waits for it, which then has some time to come. */
export function announce(ctx: ScriptContext, lock: string, sinceUs: number): boolean {
  if (sinceUs === 0 && !anyWants(ctx)) return false;
  const others = wantsOfOthers(ctx, lock);
  keepWants(ctx, lock, others, sinceUs);
  if (others.length === 0) return false;
  ctx.keys.set(precedenceKey(lock), '1', PRECEDENCE_MS);
  ctx.publish('released', lock);
  return true;
}

/** Whether a lock was released just now, and whoever has waited longest has not come yet. */
export function goesToAnother(ctx: ScriptContext, lock: string, sinceUs: number): boolean {
  const leftMs = ctx.keys.expiresInMs(precedenceKey(lock));
  if (!anyWants(ctx) || leftMs < 0 || leftMs > WANT_MS) return false;
  const others = wantsOfOthers(ctx, lock);
  const another = others.some(
    (want) => sinceUs === 0 || want.sinceUs < sinceUs || (want.sinceUs === sinceUs && want.who < ctx.serverId),
  );
  keepWants(ctx, lock, others, another ? sinceUs : 0);
  return another;
}

/** What a lock's refusal says where it goes to another server first. */
export const GOES_TO_ANOTHER = { kind: 'held', value: '', expiresInMs: PRECEDENCE_MS, holder: undefined } as const;
