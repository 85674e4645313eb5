const DEADLINE_MS = 5_000;

/** Looks turn after turn until it holds; fails when that takes too long. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const late = AbortSignal.timeout(DEADLINE_MS);
  while (!holds()) {
    if (late.aborted) throw new Error(`not so after ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
