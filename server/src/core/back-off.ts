const FIRST_MS = 5;
const MOST_MS = 200;

/**
 * How long to wait after so many refusals in a row before asking again, where others may release a resource unheard: twice as
 * long each time, up to 200 ms, less up to a half at random so that servers do not ask in step.
 *
 * @param refusals from 1
 * @param unit a random number in [0, 1)
 */
export function backOffMs(refusals: number, unit: number): number {
  const longestMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(refusals - 1, 16));
  return longestMs * (1 - unit / 2);
}
