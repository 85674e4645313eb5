import type { History, Violation } from '../history/history.js';
import type { Nemesis, StruckFault } from './nemesis.js';
import type { TraceLine, World } from './world.js';

/** What one run came to. */
export interface Outcome {
  readonly system: string;
  readonly seed: number;
  /** Of which sort of runs it was. */
  readonly profile: string;
  readonly grants: number;
  /** Of those, the ones that were told before the faults ended. */
  readonly grantsUnderFaults: number;
  /** Times that two believed one thing where that is a documented limit. */
  readonly excused: number;
  /** Writes that resources accepted. */
  readonly writes: number;
  readonly faults: number;
  /** Which faults those were. */
  readonly struck: readonly StruckFault[];
  /** True time, in the simulation. */
  readonly tookMs: number;
  /** In words, the first one first. Each begins with the guarantee that was broken. */
  readonly violations: readonly string[];
  /** What led to the first violation. */
  readonly story: readonly string[];
  readonly trace: readonly TraceLine[];
}

export interface Run {
  readonly system: string;
  readonly seed: number;
  readonly profile: string;
  readonly world: World;
  readonly history: History;
  readonly nemesis: Nemesis;
  /** How many grants there were when the faults ended; `undefined` while they have not. */
  readonly grantsUnderFaults: () => number | undefined;
}

/** How long before the first thing that belongs to a violation its story begins, and how long it may be. */
const PRELUDE_MS = 100;
const LONGEST_STORY = 60;

/** Runs a scenario. What it throws, or leaves unhandled, is a violation like any other. */
export async function outcomeOf(run: Run, play: () => Promise<void>): Promise<Outcome> {
  const { system, seed, profile, world, history, nemesis } = run;
  const crashed = (error: unknown): void => {
    history.violated('crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  // Errors are made by the thousand, and looked at where one is replayed.
  const usualStack = Error.stackTraceLimit;
  if (!world.isReplay) Error.stackTraceLimit = 0;
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', crashed);
  try {
    await play();
  } catch (error) {
    crashed(error);
  } finally {
    Error.stackTraceLimit = usualStack;
    process.removeListener('unhandledRejection', crashed);
    for (const listener of others) process.on('unhandledRejection', listener);
  }
  const { grants, violations, log, found } = history;
  const [first] = found;
  return {
    ...{ system, seed, profile, grants, writes: log.accepted, excused: history.excused },
    grantsUnderFaults: run.grantsUnderFaults() ?? grants,
    ...{ faults: nemesis.struck.length, struck: nemesis.struck, tookMs: world.nowMs },
    ...{ violations, story: first === undefined ? [] : storyOf(first, world.trace), trace: world.trace },
  };
}

export function inWords({ atMs, who, what }: TraceLine): string {
  return `${atMs.toFixed(3).padStart(10)} ${who} ${what}`;
}

/** What concerns the resource of a violation, and faults, from shortly before it began to when it was found. */
function storyOf({ sinceMs, atMs, resource }: Violation, trace: readonly TraceLine[]): readonly string[] {
  const lines = trace
    .filter((line) => line.atMs >= sinceMs - PRELUDE_MS && line.atMs <= atMs)
    .filter(({ about }) => about === undefined || resource === undefined || about === resource);
  const found = lines.findLastIndex(({ who }) => who === 'checker');
  return lines.slice(Math.max(0, found + 1 - LONGEST_STORY), found + 1).map(inWords);
}
