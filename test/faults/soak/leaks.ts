import { type KeyLeft, type KeysAllowed, problemsOfKeys } from '../../history/keys-left.js';
import { type CountLeft, problemsOfThings, slopeOf } from '../../history/things-left.js';

/** What was there when everybody had gone, and everything had had time to end. */
export interface Leftovers {
  readonly nodes: readonly string[];
  readonly keys: readonly KeyLeft[];
  readonly allowed: KeysAllowed;
  readonly counts: readonly CountLeft[];
  /** Of servers that lived through the run: their heaps after each round, garbage collected. */
  readonly heaps: readonly { readonly where: string; readonly usedBytes: readonly number[] }[];
}

/** A line of the report. */
export interface LeakRow {
  readonly what: string;
  readonly where: string;
  readonly found: string;
  readonly allowed: string;
  /** `unsaid`: there is too little to say it by. */
  readonly verdict: 'kept' | 'leaks' | 'unsaid';
}

/** A heap varies by some 300 kB from round to round: a straight line through fewer may rise by what is allowed by chance alone. */
const LEAST_ROUNDS = 30;
/** In the first rounds code is compiled and tables grow to their size. */
const WARM_UP_SHARE = 1 / 3;
/** A round leaves some hundred leases, requests and sessions behind: a few of a hundred bytes each would show. */
const MOST_HEAP_BYTES_PER_ROUND = 40_000;

export function leakRows({ nodes, keys, allowed, counts, heaps }: Leftovers): readonly LeakRow[] {
  return [
    ...nodes.flatMap((node) => rowsOfNode(node, keys, allowed)),
    ...counts.map(rowOfCount),
    ...heaps.map(rowOfHeap),
  ];
}

/** Whether nothing leaks, of what could be said. */
export function leaksOf(rows: readonly LeakRow[]): readonly string[] {
  return rows
    .filter(({ verdict }) => verdict === 'leaks')
    .map(({ what, where, found, allowed }) => `${what} at ${where}: ${found}, allowed: ${allowed}`);
}

function rowsOfNode(node: string, all: readonly KeyLeft[], allowed: KeysAllowed): readonly LeakRow[] {
  const keys = all.filter((key) => key.node === node);
  const of = (kind: KeyLeft['kind']): readonly KeyLeft[] => keys.filter((key) => key.kind === kind);
  const ballots = of('ballot');
  const endless = (some: readonly KeyLeft[]): number =>
    some.filter(({ expiresInMs }) => expiresInMs === undefined).length;
  const judged = (kept: readonly KeyLeft[]): LeakRow['verdict'] =>
    problemsOfKeys(kept, allowed).length === 0 ? 'kept' : 'leaks';
  const others = of('other');
  return [
    { what: 'lock keys', where: node, found: String(of('lock').length), allowed: '0', verdict: judged(of('lock')) },
    {
      what: 'ballot keys',
      where: node,
      found: `${ballots.length}, ${endless(ballots)} without an end`,
      allowed: `${allowed.names} names, 0`,
      verdict: judged(ballots),
    },
    {
      what: 'other keys',
      where: node,
      found: `${others.length}, ${endless(others)} without an end`,
      allowed: '0 without an end',
      verdict: judged(others),
    },
  ];
}

function rowOfCount(count: CountLeft): LeakRow {
  const { where, what, count: found, before = 0 } = count;
  const verdict = problemsOfThings([count]).length === 0 ? 'kept' : 'leaks';
  return { what, where, found: String(found), allowed: String(before), verdict };
}

function rowOfHeap({ where, usedBytes }: Leftovers['heaps'][number]): LeakRow {
  const what = 'heap, by round';
  const warm = usedBytes.slice(Math.floor(usedBytes.length * WARM_UP_SHARE));
  const allowed = `${kilobytes(MOST_HEAP_BYTES_PER_ROUND)} a round`;
  if (usedBytes.length < LEAST_ROUNDS) {
    return { what, where, found: `${usedBytes.length} rounds only`, allowed, verdict: 'unsaid' };
  }
  const slope = slopeOf(warm);
  const found = `${kilobytes(slope)} a round, from ${kilobytes(warm[0] ?? 0)} to ${kilobytes(warm.at(-1) ?? 0)}`;
  return { what, where, found, allowed, verdict: slope > MOST_HEAP_BYTES_PER_ROUND ? 'leaks' : 'kept' };
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000)} kB`;
}
