import type {
  ClusterConfiguration,
  ErrandOutcome,
  ErrandReply,
  NodeErrand,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { BALLOT_PREFIX, BOOKKEEPING, type ScriptContext, standing } from './script-context.js';

const EXAMPLES = 3;

/** Runs one errand as one script. The standing is what it left. */
export function runErrand(ctx: ScriptContext, errand: NodeErrand): ErrandReply {
  const outcome = outcomeOf(ctx, errand);
  return { kind: 'done', standing: standing(ctx), outcome };
}

function outcomeOf(ctx: ScriptContext, errand: NodeErrand): ErrandOutcome {
  switch (errand.kind) {
    case 'pulse':
      if (ctx.keys.get(BOOKKEEPING.admission) === ctx.identity) refreshAdmission(ctx);
      return { kind: 'pulse' };
    case 'confirm':
      return confirm(ctx, errand.configuration, errand.maxTtlMs);
    case 'mark':
      return mark(ctx, errand.nonce);
    case 'admit':
      return { kind: 'admit', admitted: admit(ctx, errand.nonce, errand.configuration) };
    case 'unadmit':
      ctx.keys.delete(BOOKKEEPING.admission);
      ctx.keys.delete(BOOKKEEPING.mark);
      return { kind: 'unadmit' };
    case 'census':
      return { kind: 'census', found: census(ctx) };
    case 'declare':
      return { kind: 'declare', admitted: declare(ctx, errand) };
    case 'reset':
      return { kind: 'reset', forgottenKeys: reset(ctx) };
  }
}

function confirm(ctx: ScriptContext, configuration: ClusterConfiguration, maxTtlMs: number): ErrandOutcome {
  const there = standing(ctx).configuration;
  const greatest = Number(ctx.keys.get(BOOKKEEPING.greatestTtlMs) ?? 0);
  if (there !== undefined && !same(there, configuration)) {
    return { kind: 'confirm', answer: 'other', greatestTtlMs: greatest };
  }
  if (there === undefined) writeConfiguration(ctx, configuration);
  const greatestTtlMs = Math.max(greatest, maxTtlMs);
  ctx.keys.set(BOOKKEEPING.greatestTtlMs, String(greatestTtlMs));
  return { kind: 'confirm', answer: there === undefined ? 'claimed' : 'equal', greatestTtlMs };
}

/** A mark is `identity nonce`; that of another process or history is as good as none. */
function mark(ctx: ScriptContext, nonce: string): ErrandOutcome {
  if (standing(ctx).admitted) return { kind: 'mark', nonce: undefined };
  const there = markedNonce(ctx);
  if (there !== undefined) return { kind: 'mark', nonce: there };
  ctx.keys.set(BOOKKEEPING.mark, `${ctx.identity} ${nonce}`);
  return { kind: 'mark', nonce };
}

function admit(ctx: ScriptContext, nonce: string, configuration: ClusterConfiguration): boolean {
  const { admitted, configuration: there } = standing(ctx);
  if (admitted) return true;
  if (markedNonce(ctx) !== nonce || (there !== undefined && !same(there, configuration))) return false;
  writeConfiguration(ctx, configuration);
  ctx.keys.set(BOOKKEEPING.admission, ctx.identity, ctx.settings.admissionMs);
  ctx.keys.delete(BOOKKEEPING.mark);
  return true;
}

/** From now on, even where a clock that went back had made it last longer. */
function refreshAdmission(ctx: ScriptContext): void {
  ctx.keys.set(BOOKKEEPING.admission, ctx.identity, ctx.settings.admissionMs);
}

/** A wait that has begun, and the configuration of the server that asks, are no sign of an earlier life. */
function earlierLife(ctx: ScriptContext): string | undefined {
  const { configuration } = standing(ctx);
  if (configuration !== undefined && !same(configuration, ctx.settings.configuration)) return BOOKKEEPING.configuration;
  return [BOOKKEEPING.admission, BOOKKEEPING.highestUs].find((key) => ctx.keys.has(key));
}

function census(ctx: ScriptContext): readonly string[] {
  const own = new Set<string>(Object.values(BOOKKEEPING));
  const trace = earlierLife(ctx);
  const ofLocks = ctx.keys.keys().filter((key) => !own.has(key));
  return [...(trace === undefined ? [] : [trace]), ...ofLocks]
    .slice(0, EXAMPLES)
    .map((key) => key.replace('\u0000', ''));
}

/** Looks for no lock: whoever declares has had that done by a census, which may take several calls. */
function declare(ctx: ScriptContext, errand: Extract<NodeErrand, { kind: 'declare' }>): boolean {
  const { nonce, configuration, maxTtlMs } = errand;
  if (markedNonce(ctx) !== nonce) return false;
  if (earlierLife(ctx) !== undefined || confirm(ctx, configuration, maxTtlMs).kind !== 'confirm') return false;
  ctx.keys.set(BOOKKEEPING.admission, ctx.identity, ctx.settings.admissionMs);
  ctx.keys.delete(BOOKKEEPING.mark);
  return true;
}

function reset(ctx: ScriptContext): number {
  const forgotten = ctx.keys.keys().filter((key) => {
    const bookkeeping = [BOOKKEEPING.admission, BOOKKEEPING.mark, BOOKKEEPING.highestUs];
    return key.startsWith(BALLOT_PREFIX) || bookkeeping.some((name) => name === key);
  });
  for (const key of forgotten) ctx.keys.delete(key);
  return forgotten.length;
}

function markedNonce(ctx: ScriptContext): string | undefined {
  const there = ctx.keys.get(BOOKKEEPING.mark);
  return there?.startsWith(`${ctx.identity} `) ? there.slice(ctx.identity.length + 1) : undefined;
}

function writeConfiguration(ctx: ScriptContext, configuration: ClusterConfiguration): void {
  ctx.keys.set(BOOKKEEPING.configuration, `${configuration.hash}/${configuration.generation}`);
}

function same(left: ClusterConfiguration, right: ClusterConfiguration): boolean {
  return left.hash === right.hash && left.generation === right.generation;
}
