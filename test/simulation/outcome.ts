import type { History, Violation } from '../history/history.js';
import type { TraceLine, World } from './world.js';

/** What one run came to. */
export interface Outcome {
  readonly seed: number;
  readonly grants: number;
  /** Writes that resources accepted. */
  readonly writes: number;
  readonly faults: number;
  readonly violations: readonly string[];
  /** What led to the first violation. */
  readonly story: readonly string[];
  readonly trace: readonly TraceLine[];
}

export interface Run {
  readonly world: World;
  readonly history: History;
  faults(): number;
}

/** How long before the first thing that belongs to a violation its story begins, and how long it may be. */
const PRELUDE_MS = 300;
const LONGEST_STORY = 60;

/** Runs a scenario. What it throws, or leaves unhandled, is a violation like any other. */
export async function outcomeOf(seed: number, run: Run, play: () => Promise<void>): Promise<Outcome> {
  const { world, history } = run;
  const crashed = (error: unknown): void => {
    history.violated('crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', crashed);
  try {
    await play();
  } catch (error) {
    crashed(error);
  } finally {
    process.removeListener('unhandledRejection', crashed);
    for (const listener of others) process.on('unhandledRejection', listener);
  }
  const { grants, violations, log, found } = history;
  const [first] = found;
  const story = first === undefined ? [] : storyOf(first, world.trace);
  return { seed, grants, writes: log.accepted, faults: run.faults(), violations, story, trace: world.trace };
}

export function inWords({ atMs, who, what }: TraceLine): string {
  return `${atMs.toFixed(3).padStart(10)} ${who} ${what}`;
}

/** What concerns the resource of a violation, and faults, from shortly before it began. */
function storyOf({ sinceMs, atMs, resource }: Violation, trace: readonly TraceLine[]): readonly string[] {
  return trace
    .filter((line) => line.atMs >= sinceMs - PRELUDE_MS && line.atMs <= atMs)
    .filter(({ about }) => about === undefined || resource === undefined || about === resource)
    .slice(-LONGEST_STORY)
    .map(inWords);
}
