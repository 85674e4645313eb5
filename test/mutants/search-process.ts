/**
 * Runs seeds of the simulator one after the other until one breaks a guarantee. Argument: a `SearchOrder` as JSON. Writes
 * what it found as JSON to the order's `report`.
 */
import { writeFileSync } from 'node:fs';
import { shrink } from '../simulation/failure.js';
import { inWords, type Outcome } from '../simulation/outcome.js';
import { runSeed, systemOf } from '../simulation/systems.js';
import type { Search, SearchOrder } from './simulator-run.js';

/** How much of what led to a violation is kept. */
const KEPT_LINES = 24;
/** How long a shorter way to it is looked for. */
const PATIENCE = { ms: 5_000, runs: 60 };

async function search({ firstSeed, seeds, system, limitMs, shortens }: SearchOrder): Promise<Search> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    if (usedMs() > limitMs) return { kind: 'green', seeds: seed - firstSeed };
    const { name } = systemOf(seed);
    if (system !== undefined && name !== system) continue;
    const outcome = await runSeed(seed);
    const [violation] = outcome.violations;
    if (violation === undefined) continue;
    const told = shortens ? await shrink(outcome, (play) => runSeed(seed, play), PATIENCE) : outcome;
    return { kind: 'found', seed, system: name, violation, story: storyOf(told) };
  }
  return { kind: 'green', seeds };
}

/** A crash has no story of its own: what happened last has to do. */
function storyOf({ story, trace, violations }: Outcome): readonly string[] {
  const told = story.length > 0 ? story : trace.map(inWords);
  return [...told.slice(-KEPT_LINES), violations[0]?.split('\n', 1).join('') ?? ''];
}

/** By this process, of a processor. */
function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const order = JSON.parse(process.argv[2] ?? '') as SearchOrder;
writeFileSync(order.report, JSON.stringify(await search(order)));
// Whatever a broken guard has left open must not keep the process.
process.exit(0);
