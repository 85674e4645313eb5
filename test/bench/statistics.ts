/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('there is no median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** To three significant digits below a thousand, to whole numbers above. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3));
}

/** How many times better ours is: above 1 means ours is better, whichever direction is. */
export function advantage(ours: number, peer: number, better: 'higher' | 'lower'): number {
  const ratio = better === 'higher' ? ours / peer : peer / ours;
  if (!Number.isFinite(ratio)) throw new RangeError(`no ratio of ${ours} and ${peer}`);
  return ratio;
}
