const PARALLEL = 2;

/** Does the work for all of them, two at a time; what came of it in their order. */
export async function twoAtATime<T, Result>(
  items: readonly T[],
  work: (item: T) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<T, Result>();
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) results.set(item, await work(item));
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return items.map((item) => results.get(item) as Result);
}
