import type { Edit } from './patch.js';
import { runPatched } from './patched-process.js';

/** How far the simulator looks for what comes of a guard that is off. */
export const MOST_SEEDS = 2_000;
/** And for how much time of a processor. */
export const LONGEST_SEARCH_MS = 150_000;
/** Where nothing is expected to be found, it is made sure of for so long. */
export const UNSEEN_SEARCH_MS = 15_000;
/** A search that takes so many times longer hangs. */
const HANGS = 4;
/** However short it is. */
const LEAST_MS = 60_000;

export interface SearchLimits {
  /** Default: 1. */
  readonly firstSeed?: number;
  /** Default: `MOST_SEEDS`. */
  readonly seeds?: number;
  /** Default: `LONGEST_SEARCH_MS`. */
  readonly limitMs?: number;
  /** A shorter way to what was found is looked for. Default: false. */
  readonly shortens?: boolean;
}

export interface SearchOrder extends Required<SearchLimits> {
  /** The only system whose seeds are run. Default: all. */
  readonly system: string | undefined;
  /** The file to write the answer to. */
  readonly report: string;
}

/** What a search came to. */
export type Search =
  | {
      readonly kind: 'found';
      readonly seed: number;
      readonly system: string;
      /** The first that was broken. */
      readonly violation: string;
      readonly story: readonly string[];
    }
  /** All the seeds that there was time for. */
  | { readonly kind: 'green'; readonly seeds: number };

export type SimulatorRun =
  | { readonly kind: 'ran'; readonly search: Search; readonly patched: boolean }
  | { readonly kind: 'broken'; readonly why: string };

/** Looks for a seed that breaks something, with sources patched as they are loaded. */
export async function runSimulator(
  edits: readonly Edit[],
  { firstSeed = 1, seeds = MOST_SEEDS, limitMs = LONGEST_SEARCH_MS, shortens = false }: SearchLimits = {},
): Promise<SimulatorRun> {
  const system = systemOfEdits(edits);
  const { report, errors, patched } = await runPatched(
    edits,
    (path) => {
      const order: SearchOrder = { firstSeed, seeds, system, limitMs, shortens, report: path };
      return ['--import', './support/plain-names.mjs', 'mutants/search-process.ts', JSON.stringify(order)];
    },
    Math.max(LEAST_MS, HANGS * limitMs),
  );
  if (report === undefined) return { kind: 'broken', why: errors };
  return { kind: 'ran', search: JSON.parse(report) as Search, patched };
}

/** Whether the simulator runs what is patched: it has models in place of Redis and its scripts. */
export function isSimulated(edits: readonly Edit[]): boolean {
  return edits.every(({ file }) => !/^server\/src\/(store\/redlock\/node|process|config|telemetry)\//.test(file));
}

/** Where only one system has what is patched, the others' seeds cannot tell. */
function systemOfEdits(edits: readonly Edit[]): string | undefined {
  const systems = edits.map(
    ({ file }) => /^(?:server\/src\/store|test\/support)\/(redlock|embedded)\//.exec(file)?.[1],
  );
  const [first] = systems;
  return systems.every((system) => system === first) ? first : undefined;
}
