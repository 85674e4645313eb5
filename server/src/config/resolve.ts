import { CHECKS } from './checks.js';
import { environmentNameOf, flagOf, OPTION_NAMES, OPTIONS, type OptionName, type OptionValues } from './options.js';
import type { ValueKind } from './values.js';

/** Where a setting's text came from. */
export type Source = 'flag' | 'environment' | 'default';

/** A setting as it was written, without what must not be shown. */
export interface Setting {
  readonly text: string;
  readonly source: Source;
}

export type Settings = { readonly [K in OptionName]: Setting };

/** One wrong setting. */
export interface Problem {
  readonly name: OptionName;
  readonly setting: Setting;
  /** What is wrong, to be read after the value. */
  readonly message: string;
  /** What would be right. */
  readonly bound: string;
}

export type Resolved =
  | { readonly ok: true; readonly values: OptionValues; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Settles every setting: a flag wins over the environment, the environment over the default. An empty environment
 * variable counts as unset. All wrong settings are found at once, also those that are wrong only in combination.
 */
export function resolveSettings(
  flags: Readonly<Partial<Record<OptionName, string>>>,
  environment: Readonly<Record<string, string | undefined>>,
): Resolved {
  const settings: Partial<Record<OptionName, Setting>> = {};
  const values: Partial<Record<OptionName, unknown>> = {};
  const problems: Problem[] = [];
  for (const name of OPTION_NAMES) {
    const { kind } = OPTIONS[name];
    const written = settingOf(name, flags, environment);
    const setting = shownSetting(written, kind);
    settings[name] = setting;
    const outcome = kind.schema.safeParse(written.text);
    if (outcome.success) values[name] = outcome.data;
    else problems.push({ name, setting, message: outcome.error.issues[0]?.message ?? 'is wrong', bound: kind.bound });
  }
  const all = settings as Settings;
  const given = new Set(OPTION_NAMES.filter((name) => all[name].source !== 'default'));
  const wrong = new Set(problems.map((problem) => problem.name));
  for (const { blames, needs, test } of CHECKS) {
    if (needs.some((name) => wrong.has(name))) continue;
    const finding = test(values as OptionValues, given);
    if (finding !== undefined) problems.push({ name: blames, setting: all[blames], ...finding });
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, values: values as OptionValues, settings: all };
}

/** A flag whose value was forgotten takes the next flag for it, and that one may hold the address of a node with its password. */
function withoutLogins(text: string): string {
  return text.replace(/:\/\/.*@/gs, '://***@');
}

function shownSetting(written: Setting, kind: ValueKind<unknown>): Setting {
  return { ...written, text: kind.shown === undefined ? withoutLogins(written.text) : kind.shown(written.text) };
}

function settingOf(
  name: OptionName,
  flags: Readonly<Partial<Record<OptionName, string>>>,
  environment: Readonly<Record<string, string | undefined>>,
): Setting {
  const flag = flags[name];
  if (flag !== undefined) return { text: flag, source: 'flag' };
  const variable = environment[environmentNameOf(name)];
  if (variable !== undefined && variable !== '') return { text: variable, source: 'environment' };
  return { text: OPTIONS[name].fallback, source: 'default' };
}

/** "the flag --min-ttl", "the variable HOLDFAST_MIN_TTL" or "the default". */
export function sourceText(name: OptionName, source: Source): string {
  switch (source) {
    case 'flag':
      return `the flag ${flagOf(name)}`;
    case 'environment':
      return `the variable ${environmentNameOf(name)}`;
    case 'default':
      return 'the default';
  }
}

/**
 * What a container platform sets for a service called holdfast, what the `holdfast` command reads, and what `holdfast run`
 * gives the command it runs.
 */
const OF_OTHERS = /^HOLDFAST_(SERVICE_.*|PORT|PORT_.*|SERVER|NAMESPACE|TOKEN|LEASE_ID|NAME)$/;

/** Variables that look like settings and are none: most likely misspelt. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = new Set(OPTION_NAMES.map(environmentNameOf));
  return Object.keys(environment).filter(
    (name) => name.startsWith('HOLDFAST_') && !known.has(name) && !OF_OTHERS.test(name),
  );
}
