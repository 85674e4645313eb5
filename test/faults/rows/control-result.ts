import type { Control } from '../harness/stage.js';
import type { ControlResult } from './row.js';

const SHOWN_VIOLATIONS = 3;

/** What a control has found, of that which it is there for; in words, where that is nothing. */
export function foundWithout(
  { without, breaks }: Pick<Control, 'without' | 'breaks'>,
  violations: readonly string[],
): ControlResult | string {
  const found = violations.filter((violation) => breaks.test(violation));
  const [first] = found;
  if (first !== undefined) return { without, violations: found.length, first };
  const others = violations.length === 0 ? '' : `; others: ${shown(violations)}`;
  return `control: 0 violations ${breaks} without ${without}${others}`;
}

/** The first few of them, and how many there are. */
export function shown(violations: readonly string[]): string {
  const more = violations.length > SHOWN_VIOLATIONS ? ` and ${violations.length - SHOWN_VIOLATIONS} more` : '';
  return `${violations.length} violations: ${violations.slice(0, SHOWN_VIOLATIONS).join(' | ')}${more}`;
}
