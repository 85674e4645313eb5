import type { BatchVerb, NodeErrand } from '../../coordinator/redis-node.js';
import { acquire } from './acquire.js';
import { admit } from './admit.js';
import { adopt } from './adopt.js';
import { census } from './census.js';
import { confirm } from './confirm.js';
import { declare } from './declare.js';
import { extend } from './extend.js';
import { forget } from './forget.js';
import { handOff } from './hand-off.js';
import { introduce } from './introduce.js';
import { mark } from './mark.js';
import { type ScriptConstants, scriptText } from './prelude.js';
import { pulse } from './pulse.js';
import { release } from './release.js';
import { repair } from './repair.js';
import { reset } from './reset.js';
import type { BatchScript, ErrandScript, PagedScript } from './script.js';
import { unadmit } from './unadmit.js';

export const BATCH_SCRIPTS: { readonly [V in BatchVerb]: BatchScript<V> } = {
  acquire,
  hand_off: handOff,
  release,
  extend,
  adopt,
  repair,
  introduce,
  forget,
};

export const PAGED_SCRIPTS = { census, reset } as const satisfies {
  readonly [K in NodeErrand['kind']]?: PagedScript<K>;
};

export type PagedKind = keyof typeof PAGED_SCRIPTS;
export type PlainKind = Exclude<NodeErrand['kind'], PagedKind>;

export const ERRAND_SCRIPTS: { readonly [K in PlainKind]: ErrandScript<K> } = {
  pulse,
  confirm,
  mark,
  admit,
  unadmit,
  declare,
};

export type ScriptName = BatchVerb | NodeErrand['kind'];

/** What each script is called by at one node. */
export type ScriptShas = Readonly<Record<ScriptName, string>>;

/** The texts of all scripts for one node. */
export function scriptTexts(constants: ScriptConstants): readonly (readonly [name: ScriptName, text: string])[] {
  const scripts: readonly { readonly name: ScriptName; readonly lua: string }[] = [
    ...Object.values(BATCH_SCRIPTS),
    ...Object.values(PAGED_SCRIPTS),
    ...Object.values(ERRAND_SCRIPTS),
  ];
  return scripts.map(({ name, lua }) => [name, scriptText(constants, lua)] as const);
}
