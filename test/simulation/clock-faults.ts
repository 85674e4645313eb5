import type { ClockFaults as Allowed } from './cast.js';
import type { Company } from './process-faults.js';
import type { SeededRandom } from './seeded-random.js';
import type { FaultKind } from './stage.js';

/** How far a wall clock is set forward or back. */
const WALL_STEPS_MS = [100, 2_000, 3_600_000, 86_400_000];
/** ρ is a hundredth of it. */
export const TOO_FAST = 0.05;
/** Two that are wrong by so much in opposite ways differ by this share of what they measure. */
export const RUN_APART = 0.11;
/** No lock stands for longer, in times to live of the servers that grant the shorter leases. */
export const LONGEST_STAND_TTLS = 4.2;

/** What befalls the clocks of clients and servers. */
export class ClockFaults {
  readonly kinds: readonly FaultKind[];
  #beyondUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly company: Company,
    allowed: Allowed,
  ) {
    const stepWall: FaultKind = { name: 'stepWall', weight: 4, strike: (random) => this.#stepWall(random) };
    const runOff: FaultKind = { name: 'runOff', weight: 12, strike: (random) => this.#runOff(random) };
    const walls = { none: [], walls: [stepWall], 'small steps': [], steps: [stepWall], leaps: [], rates: [stepWall] };
    this.kinds = allowed === 'rates' ? [...walls[allowed], runOff] : walls[allowed];
  }

  /** The last moment of true time at which a clock ran, or will have run, further off than is allowed. */
  get beyondUntilMs(): number {
    return this.#beyondUntilMs;
  }

  /** No lease depends on the wall clock of a server, and those of clients can only shorten what they believe. */
  #stepWall(random: SeededRandom): boolean {
    const { clients, maxTtlMs, servers, world } = this.company;
    const { process } = random.pick([...clients, ...servers]);
    const byMs = random.pick(WALL_STEPS_MS) * random.between(-1, 1);
    // The wall clock alone knows for how long a machine has slept.
    if (byMs < 0 && world.nowMs < process.sleptMs + LONGEST_STAND_TTLS * maxTtlMs) return false;
    world.note(process.name, `has its wall clock set by ${byMs.toFixed()} ms`);
    process.stepWall(byMs);
    return true;
  }

  #runOff(random: SeededRandom): boolean {
    const { clients, servers, troubles, world } = this.company;
    const { process } = random.pick([...clients, ...servers]);
    const usual = process.rate;
    const forMs = random.between(200, 3_000);
    const off = random.between(-TOO_FAST, TOO_FAST);
    return troubles.during(
      `${process.name} has clocks that run off`,
      forMs,
      () => {
        world.note(process.name, `has clocks that are ${(100 * off).toFixed(1)} % too fast`);
        this.#beyondUntilMs = Math.max(this.#beyondUntilMs, world.nowMs + forMs);
        process.setRate(1 + off);
      },
      () => process.setRate(usual),
    );
  }
}
