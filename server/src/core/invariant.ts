/** A guarantee is about to break. The process must stop: going on could give one resource to two holders. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/**
 * Asserts a guarantee; `guarantee` is its number in docs/guarantees.md. What broke is put into words only when it has:
 * numbers made into text for every grant cost more than the checks.
 */
export function invariant(holds: boolean, guarantee: string, what: string | (() => string)): asserts holds {
  if (holds) return;
  throw new InvariantViolation(`${guarantee} violated: ${typeof what === 'string' ? what : what()}`);
}
