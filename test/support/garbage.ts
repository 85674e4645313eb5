import { PerformanceObserver } from 'node:perf_hooks';

/** A chain of small objects: what holds on to others is what takes a collector long. */
interface Link {
  readonly next: Link | undefined;
  readonly payload: { readonly number: number };
}

const CHAIN_LINKS = 10_000;
/** What one chain takes of the heap, about. */
const CHAIN_MB = 0.72;

/** What collecting has cost. */
export interface Collections {
  readonly count: number;
  readonly longestMs: number;
}

/** Fills so much of the heap, and then replaces it piece by piece for so long, with pauses in which everything else runs. */
export async function allocate(ms: number, liveMb: number): Promise<Collections> {
  const tookMs: number[] = [];
  const observer = new PerformanceObserver((list) => tookMs.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ entryTypes: ['gc'] });
  const live: Link[] = [];
  const most = Math.ceil(liveMb / CHAIN_MB);
  let endMs = Number.POSITIVE_INFINITY;
  for (let turn = 0; performance.now() < endMs; turn += 1) {
    live[turn % most] = chain();
    if (turn === most) endMs = performance.now() + ms;
    await new Promise((resolve) => setImmediate(resolve));
  }
  tookMs.push(...observer.takeRecords().map(({ duration }) => duration));
  observer.disconnect();
  return { count: tookMs.length, longestMs: Math.max(0, ...tookMs) };
}

function chain(): Link {
  let last: Link = { next: undefined, payload: { number: 0 } };
  for (let number = 1; number < CHAIN_LINKS; number += 1) last = { next: last, payload: { number } };
  return last;
}
