import type { SeededRandom } from './seeded-random.js';
import type { FaultKind } from './stage.js';
import type { Troubles } from './troubles.js';
import type { World } from './world.js';

/** One fault of a run. */
export interface StruckFault {
  /** Its place among all that were due: a run can be repeated without it. */
  readonly number: number;
  readonly atMs: number;
  readonly name: string;
}

export interface NemesisParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly troubles: Troubles;
  readonly kinds: readonly FaultKind[];
  readonly meanFaultEveryMs: number;
  /** Names of kinds that strike more often, and by how much. */
  readonly likings: Readonly<Record<string, number>>;
  /** The only kinds there are. Default: some, as the seed has it. */
  readonly wanted: readonly string[] | undefined;
  /** The only ones, by number, that strike. Default: all. */
  readonly kept: ReadonlySet<number> | undefined;
}

/** Most runs know some kinds of faults only, and love some of them, so that none is always in the others' way. */
const SHARES = [1, 0.5, 0.3];
const LIKINGS = [0.3, 1, 1, 6];
const STORM_MS = { least: 200, most: 1_500 };
const LONGEST_CALM_MS = 1_000;

/** What befalls a system, one thing after the other. */
export class Nemesis {
  readonly struck: StruckFault[] = [];
  #leftOut = 0;
  readonly #kinds: readonly FaultKind[];
  #due = 0;
  #stopped = false;

  constructor(private readonly parts: NemesisParts) {
    const { random, kinds, likings, wanted } = parts;
    const share = random.pick(SHARES);
    const chosen = kinds.filter(({ name }) => {
      const chance = random.chance(share);
      return wanted?.includes(name) ?? (chance || name in likings);
    });
    this.#kinds = (chosen.length === 0 ? kinds : chosen).map((kind) => ({
      name: kind.name,
      weight: kind.weight * random.pick(LIKINGS) * (likings[kind.name] ?? 1),
      strike: (source) => kind.strike(source),
    }));
  }

  /** How many faults have struck, and how many would have that are left out. */
  get due(): number {
    return this.struck.length + this.#leftOut;
  }

  /** Strikes from now on: storms, and calms between them in which those it has struck can go on. */
  begin(): void {
    const { world, random, troubles } = this.parts;
    const calmFromMs = world.nowMs + random.between(STORM_MS.least, STORM_MS.most);
    const calmMs = random.between(0, LONGEST_CALM_MS);
    const heals = random.chance(0.7);
    this.#plan(calmFromMs);
    world.at(calmFromMs, () => {
      if (this.#stopped) return;
      if (heals) troubles.endAll();
      world.at(world.nowMs + calmMs, () => {
        if (!this.#stopped) this.begin();
      });
    });
  }

  /** Nothing is the matter any more. Clocks stay as they are. */
  stop(): void {
    this.#stopped = true;
    this.parts.troubles.over = true;
    this.parts.troubles.endAll();
  }

  #plan(untilMs: number): void {
    const { world, random, meanFaultEveryMs } = this.parts;
    const atMs = world.nowMs + random.between(0, 2 * meanFaultEveryMs);
    if (atMs >= untilMs) return;
    world.at(atMs, () => {
      if (this.#stopped) return;
      this.#strike();
      this.#plan(untilMs);
    });
  }

  /** Every fault has random numbers of its own: without one of them, the others stay what they were. */
  #strike(): void {
    const { world, random, kept } = this.parts;
    this.#due += 1;
    const number = this.#due;
    let dice = random.unit() * this.#kinds.reduce((sum, { weight }) => sum + weight, 0);
    const kind = this.#kinds.find(({ weight }) => {
      dice -= weight;
      return dice < 0;
    });
    const source = random.fork();
    if (kind === undefined) return;
    if (kept?.has(number) === false) {
      this.#leftOut += 1;
      return;
    }
    if (kind.strike(source)) this.struck.push({ number, atMs: world.nowMs, name: kind.name });
  }
}
