import type { SeededRandom } from './seeded-random.js';
import type { Workload } from './sim-client.js';

/** What all clients of a run have in common. */
export interface Habits {
  readonly resources: readonly string[];
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
}

const MAX_WAIT_MS = 3_000;
/** Longer than anybody's session is remembered. */
const LONG_WAIT_MS = 30_000;
/** What a server may keep of a client besides what the client knows of. */
const ON_THEIR_WAY = 8;
/** Names that nobody holds for long. */
export const SIDE: readonly string[] = ['s1', 's2', 's3'];

/** Comes and goes all the time: most grants of a run are its. */
export function lively(random: SeededRandom, habits: Habits): Workload {
  return {
    ...common(random, habits),
    maxHoldMs: random.pick([3, 10, 30]),
    maxPauseMs: random.pick([2, 10, 40]),
    concurrency: random.pick([1, 2, 3]),
  };
}

/** Holds for a while, and rests for a while. */
export function steady(random: SeededRandom, habits: Habits): Workload {
  return {
    ...common(random, habits),
    maxHoldMs: random.pick([50, 150, 400]),
    maxPauseMs: random.pick([20, 100]),
    concurrency: random.pick([1, 2, 4]),
  };
}

/** Holds for longer than a lease lives without being extended. */
export function lasting(random: SeededRandom, habits: Habits): Workload {
  return {
    ...common(random, habits),
    maxHoldMs: random.pick([0.5, 1.5, 3]) * habits.maxTtlMs,
    maxPauseMs: random.pick([5, 100]),
    concurrency: 1,
  };
}

/** Holds on until its lease has come to its end, often does nothing to put that off, and asks for more meanwhile. */
export function overstaying(random: SeededRandom, habits: Habits): Workload {
  return {
    ...common(random, habits),
    maxHoldMs: random.pick([2, 4]) * habits.maxTtlMs,
    maxPauseMs: random.pick([5, 50]),
    concurrency: random.pick([2, 6]),
    triesOnly: 0.7,
    unextended: random.pick([0, 0.5]),
  };
}

/** Holds several things at a time, for about as long as a lease lives. */
export function brooding(random: SeededRandom, habits: Habits): Workload {
  return { ...lasting(random, habits), maxHoldMs: habits.maxTtlMs, unextended: 0, concurrency: random.pick([2, 4]) };
}

/** As lively as others, and mostly somewhere else, so that a run has grants while few things are held for long. */
export function aside(random: SeededRandom, habits: Habits): Workload {
  const resources = [...SIDE, ...SIDE, ...habits.resources];
  return { ...lively(random, { ...habits, resources }), maxWaitMs: 200, concurrency: 3 };
}

/** Many acquires at a time, so that there is always a queue. */
export function crowding(random: SeededRandom, habits: Habits): Workload {
  const habit = { ...lively(random, habits), triesOnly: 0.05, cancelled: 0.3 };
  return { ...habit, concurrency: random.pick([4, 8, 16]), maxWaitMs: random.pick([1_000, MAX_WAIT_MS, LONG_WAIT_MS]) };
}

function common(
  random: SeededRandom,
  { resources, minTtlMs, maxTtlMs }: Habits,
): Omit<Workload, 'maxHoldMs' | 'maxPauseMs' | 'concurrency'> {
  return {
    ...{ resources, minTtlMs, maxTtlMs, maxWaitMs: random.pick([200, 1_000, MAX_WAIT_MS]) },
    triesOnly: random.pick([0.02, 0.1, 0.3]),
    cancelled: random.pick([0.05, 0.15, 0.4]),
    unextended: random.pick([0, 0.1, 0.5]),
  };
}

/** So many of each, in this order. */
export function company(
  random: SeededRandom,
  habits: Habits,
  ...groups: readonly (readonly [count: number, temper: (random: SeededRandom, habits: Habits) => Workload])[]
): Workload[] {
  return groups.flatMap(([count, temper]) => Array.from({ length: count }, () => temper(random, habits)));
}

/**
 * What a server has a reason to keep for one client at a time: its acquires, and one of each name at the end; as many again that
 * it has cancelled or given back, and some on their way. Whoever keeps more refuses the next one, which nothing excuses (I7).
 */
export function mostRequests(clients: readonly Workload[], resources: readonly string[]): number {
  return 2 * (Math.max(...clients.map(({ concurrency }) => concurrency)) + resources.length) + ON_THEIR_WAY;
}

/** Names of resources, short ones. */
export function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `r${index + 1}`);
}

/** A sort of runs with something of its own to bring out: how many of a hundred are of it, and what its runs are like. */
export type Profile<Chosen> = readonly [
  share: number,
  choose: (
    random: SeededRandom,
    chosen: Chosen,
  ) => Partial<Chosen> & { readonly clients: readonly Workload[]; readonly resources: readonly string[] },
];

export function pickProfile<Chosen>(
  random: SeededRandom,
  profiles: Readonly<Record<string, Profile<Chosen>>>,
): readonly [name: string, choose: Profile<Chosen>[1]] {
  const all = Object.entries(profiles);
  let dice = random.unit() * all.reduce((sum, [, [share]]) => sum + share, 0);
  for (const [name, [share, choose]] of all) {
    dice -= share;
    if (dice < 0) return [name, choose];
  }
  throw new RangeError('no profile has a share');
}
