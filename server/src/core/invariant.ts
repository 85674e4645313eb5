/** A guarantee is about to break. The process must stop: going on could give one resource to two holders. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Asserts a guarantee; `guarantee` is its number in docs/guarantees.md. */
export function invariant(holds: boolean, guarantee: string, what: string): asserts holds {
  if (!holds) throw new InvariantViolation(`${guarantee} violated: ${what}`);
}
