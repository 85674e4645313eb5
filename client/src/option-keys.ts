import { InvalidArgumentError } from './errors.js';
import { invalid, show } from './options.js';

/** How many letters apart a name may be from the one that was meant. */
const MAX_TYPOS = 3;
/** Longer names are no misspellings. */
const MAX_COMPARED = 64;

/** The names of all options of a type: leaving one out does not compile. */
export type OptionKeys<T> = Readonly<Record<keyof T, true>>;

/**
 * Checks that these are options and that there are such: what is misspelt would otherwise be as if it had not been said.
 * `call` names the function they were given to.
 */
export function checkOptions<T extends object>(call: string, options: T | undefined, known: OptionKeys<T>): T {
  const value: unknown = options ?? {};
  if (options === null || typeof value !== 'object' || value === null || Array.isArray(value)) {
    const example = call === 'connect' ? '{ connectTimeoutMs: 5_000 }' : '{ ttlMs: 30_000 }';
    throw invalid('options', options, `an object such as ${example}`);
  }
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(known, key)) throw unknownOption(call, key, Reflect.get(value, key), Object.keys(known));
  }
  return value as T;
}

function unknownOption(call: string, key: string, value: unknown, known: readonly string[]): InvalidArgumentError {
  const meant = key.length > MAX_COMPARED ? undefined : nearest(key, known);
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  const limit = known.join(', ');
  return new InvalidArgumentError(`${call} has no option ${show(key)}${hint}; it has ${limit}`, {
    reason: 'FIELD_INVALID',
    field: key,
    value: show(value),
    limit,
  });
}

/** The known name that was probably meant. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const lower = key.toLowerCase();
  const begun = known.find((name) => lower.length > 1 && name.toLowerCase().startsWith(lower));
  if (begun !== undefined) return begun;
  const byDistance = known.map((name) => ({ name, typos: distance(lower, name.toLowerCase()) }));
  const [best] = byDistance.sort((a, b) => a.typos - b.typos);
  return best !== undefined && best.typos <= Math.min(MAX_TYPOS, lower.length / 2) ? best.name : undefined;
}

/** How many letters have to be added, dropped or changed to make one word of the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
