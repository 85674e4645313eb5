/** Most trials: enough for sequences of some dozen steps. */
const MAX_TRIALS = 2_000;

/** The shortest sequence found by leaving steps out, of which `fails` is still true. */
export function shortened<T>(steps: readonly T[], fails: (steps: readonly T[]) => boolean): readonly T[] {
  let best = steps;
  let trials = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = best.length - size; from > -size; from -= size) {
      const shorter = best.filter((_, at) => at < from || at >= from + size);
      trials += 1;
      if (trials > MAX_TRIALS) return best;
      if (shorter.length < best.length && fails(shorter)) best = shorter;
    }
  }
  return best;
}
