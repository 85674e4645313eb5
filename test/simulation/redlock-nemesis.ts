import type { History } from '../history/history.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import { LinkFaults } from './link-faults.js';
import type { SimNetwork } from './network.js';
import { NodeFaults } from './node-faults.js';
import { ProcessFaults } from './process-faults.js';
import type { RedlockServer } from './redlock-server.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimClient } from './sim-client.js';
import { Troubles } from './troubles.js';
import type { World } from './world.js';

/** What clocks of nodes may do in one run. */
export type ClockFaults = 'none' | 'small steps' | 'steps';

export interface NemesisParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly history: History;
  readonly network: SimNetwork;
  readonly redises: readonly ModelRedis[];
  readonly servers: readonly RedlockServer[];
  readonly clients: SimClient[];
  readonly resources: readonly string[];
  readonly clockFaults: ClockFaults;
  readonly windowMs: number;
  readonly maxTtlMs: number;
  readonly newClient: () => SimClient;
  /** The only kinds of faults there are. Default: some, as the seed has it. */
  readonly kinds: readonly string[] | undefined;
}

/** One kind of fault; the greater its weight, the more often it strikes. */
export interface FaultKind {
  readonly name: string;
  readonly weight: number;
  strike(): void;
}

/** Most runs know some kinds of faults only, and love some of them, so that none is always in the others' way. */
const SHARES = [1, 0.5, 0.3];
const LIKINGS = [0.3, 1, 1, 6];

/** What befalls the parts of a cluster, one thing after the other. Nothing lasts beyond `heal`. */
export class Nemesis {
  faults = 0;
  readonly #random: SeededRandom;
  readonly #troubles: Troubles;
  readonly #nodeFaults: NodeFaults;
  readonly #kinds: readonly FaultKind[];

  constructor(parts: NemesisParts) {
    const { kinds: wanted, random } = parts;
    this.#random = random;
    this.#troubles = new Troubles(parts.world);
    const troubles = this.#troubles;
    this.#nodeFaults = new NodeFaults(parts, troubles);
    const rooms = [new ProcessFaults(parts, troubles), new LinkFaults(parts, troubles), this.#nodeFaults];
    const all = rooms.flatMap(({ kinds }) => kinds);
    const share = random.pick(SHARES);
    const chosen = all.filter(({ name }) => wanted?.includes(name) ?? random.chance(share));
    this.#kinds = (chosen.length === 0 ? all : chosen).map(({ name, weight, strike }) => ({
      name,
      weight: weight * random.pick(LIKINGS),
      strike,
    }));
  }

  /** When the clock of a node was last set forward. */
  get leaptMs(): number {
    return this.#nodeFaults.leaptMs;
  }

  /** The kinds of faults there are in this run. */
  get kinds(): readonly string[] {
    return this.#kinds.map(({ name }) => name);
  }

  strike(): void {
    this.faults += 1;
    let dice = this.#random.unit() * this.#kinds.reduce((sum, { weight }) => sum + weight, 0);
    const struck = this.#kinds.find(({ weight }) => {
      dice -= weight;
      return dice < 0;
    });
    struck?.strike();
  }

  /** Ends everything that is the matter. Clocks stay as they are. */
  heal(): void {
    this.#troubles.endAll();
  }
}
