import { problemsOfThings } from '../history/things-left.js';
import { SETTINGS } from '../support/core-rig.js';
import type { Cast, Play, Sabotage } from './cast.js';
import { DiskFaults } from './disk-faults.js';
import { EmbeddedServer } from './embedded-server.js';
import { playSeed } from './frame.js';
import type { Outcome } from './outcome.js';
import type { SeededRandom } from './seeded-random.js';
import { countsOf, type FaultKind, type Problem, type Stage, type StageParts } from './stage.js';
import {
  aside,
  company,
  crowding,
  lasting,
  lively,
  mostRequests,
  names,
  type Profile,
  pickProfile,
  SIDE,
  steady,
} from './workloads.js';

/** After the last fault, besides what a restarted server waits out. */
const RECOVERY_MS = 4_000;
/** Clocks that ran further off than is allowed lengthen what they measure by so much. */
const SLOWEST = 1.06;

type Chosen = Omit<Cast, 'profile' | 'clients' | 'resources'>;

const PROFILES: Readonly<Record<string, Profile<Chosen>>> = {
  /** The server dies at the worst moments of a commit, again and again. */
  crashes: [
    40,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2, 4])) };
      const likings = { crashInCommit: 25, killServer: 3, slowDisk: 4, stepWall: 4, cutStream: 2 };
      return {
        ...habits,
        likings,
        clients: company(random, habits, [1, lively], [random.pick([1, 2]), lasting], [1, aside]),
      };
    },
  ],
  queues: [
    15,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(1) };
      return { ...habits, clients: company(random, habits, [random.pick([2, 4]), crowding]) };
    },
  ],
  /** Streams break and come back while leases are held. */
  streams: [
    25,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2])) };
      const likings = { unsteady: 12, cutServer: 6, sever: 6, slowStreams: 10 };
      return { ...habits, likings, clients: company(random, habits, [2, lasting], [1, steady], [2, aside]) };
    },
  ],
  mixture: [
    20,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 3, 8])) };
      return {
        ...habits,
        clients: company(random, habits, [2, lively], [2, steady], [random.pick([0, 1]), lasting], [1, aside]),
      };
    },
  ],
};

function castFor(random: SeededRandom): Cast {
  const chosen: Chosen = {
    clockFaults: random.pick(['none', 'none', 'walls', 'walls', 'rates']),
    servers: 1,
    meanFaultEveryMs: random.pick([60, 150, 300]),
    likings: {},
    minTtlMs: 300,
    maxTtlMs: Math.round(random.between(400, 1_000)),
    graceMs: random.pick([1_500, 5_000]),
    grants: 190,
  };
  const [profile, choose] = pickProfile(random, PROFILES);
  const cast = { ...chosen, ...choose(random, chosen), profile };
  return { ...cast, resources: [...cast.resources, ...SIDE] };
}

/** One server and its disk. */
class EmbeddedStage implements Stage {
  readonly servers: readonly EmbeddedServer[];
  readonly faults: readonly FaultKind[];
  readonly recoveryMs: number;

  constructor({ asking, cast, network, newProcess, random, troubles, world }: StageParts) {
    const { minTtlMs, maxTtlMs, graceMs } = cast;
    const maxRequestsPerSession = mostRequests(cast.clients, cast.resources);
    const own = { minTtlMs, maxTtlMs, defaultTtlMs: maxTtlMs, graceMs, maxRequestsPerSession };
    const limits = { ...SETTINGS.limits, ...own };
    const server = new EmbeddedServer(world, newProcess('server'), random.fork(), { ...SETTINGS, limits }, asking);
    this.servers = [server];
    this.faults = new DiskFaults({ cast, network, server, troubles, world }).kinds;
    this.recoveryMs = SLOWEST * 2 * maxTtlMs + RECOVERY_MS;
  }

  begin(): void {
    for (const server of this.servers) server.start();
  }

  beliefsMayMeet(): boolean {
    return false;
  }

  ailments(): readonly Problem[] {
    return this.servers
      .filter(({ running }) => !running)
      .map(({ process }) => ({ guarantee: 'L4', what: `${process.name} is not running at the end` }));
  }

  leftovers(): readonly Problem[] {
    return problemsOfThings(this.servers.flatMap(countsOf)).map((what) => ({ guarantee: 'L4/I7', what }));
  }
}

const EMBEDDED = { name: 'embedded', castFor, setUp: (parts: StageParts): Stage => new EmbeddedStage(parts) };

/** Runs one seed of a server with a disk. */
export function simulateEmbedded(seed: number, play: Play = {}, sabotage: Sabotage<never> = {}): Promise<Outcome> {
  return playSeed(EMBEDDED, seed, play, sabotage);
}
