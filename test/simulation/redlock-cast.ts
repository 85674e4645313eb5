import type { RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';
import { redlockSettings } from '../support/redlock/model-settings.js';
import type { Cast } from './cast.js';
import type { SeededRandom } from './seeded-random.js';
import {
  aside,
  brooding,
  company,
  crowding,
  lasting,
  lively,
  names,
  overstaying,
  type Profile,
  pickProfile,
  SIDE,
  steady,
} from './workloads.js';

/** What one seed has chosen to run over Redis nodes. Durations in milliseconds. */
export interface RedlockCast extends Cast {
  readonly redises: number;
  readonly windowMs: number;
  readonly nodeDeadlineMs: number;
  readonly admissionMs: number;
  readonly ballotMs: number;
  /** New clusters are declared, so that nothing has to be waited for. */
  readonly isDeclared: boolean;
  /** The keys are those of other libraries, too. */
  readonly isShared: boolean;
  /** The last server grants much longer leases than the others. */
  readonly isMixed: boolean;
  /** The last server comes later than the others. */
  readonly lastStartsMs: number;
  /** Nodes may forget keys before their time, as Redis does where it is allowed to. */
  readonly evicts: boolean;
}

/** By so much. */
export const LONGER = 4;

type Chosen = Omit<RedlockCast, 'profile' | 'clients' | 'resources'>;
/** Sorts of runs, each with something of its own to bring out, and how many runs of a hundred are of that sort. */
const PROFILES: Readonly<Record<string, Profile<Chosen>>> = {
  /** Everybody wants one thing. */
  crowd: [
    20,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(1) };
      const clients = company(random, habits, [random.pick([3, 4, 5]), lively], [random.pick([0, 0, 1]), steady]);
      return { ...habits, clients, servers: random.pick([2, 3, 3]), meanFaultEveryMs: random.pick([60, 120, 250]) };
    },
  ],
  /** Long queues, and half of those who wait go away. */
  queues: [
    6,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2])) };
      return { ...habits, clients: company(random, habits, [random.pick([2, 4]), crowding]) };
    },
  ],
  /** Many names, so that calls carry several entries. */
  names: [
    8,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([6, 12])) };
      const likings = { farBid: 4, sleepServer: 6, forgetful: 4 };
      return { ...habits, likings, clients: company(random, habits, [2, lively], [2, steady]) };
    },
  ],
  /** Long leases, and nodes that lose their memory. */
  wipes: [
    16,
    (random, chosen) => {
      // Either term of the quarantine may be the greater one.
      const windowMs = random.pick([100, 200, 1_500]);
      const habits = { ...chosen, resources: names(random.pick([1, 2])), windowMs };
      const likings = {
        wipeRedis: 12,
        wipeInTurn: 15,
        wipeTwice: 20,
        restartRedis: 6,
        cutSome: 3,
        pauseClient: 3,
        duplicate: 5,
      };
      const clients = company(random, habits, [random.pick([1, 2]), lasting], [1, lively], [1, aside]);
      const calm = { clockFaults: 'none' as const, ballotMs: Math.max(chosen.ballotMs, 2 * windowMs + 2_000) };
      return { ...habits, ...calm, clients, likings, redises: random.pick([3, 3, 5]) };
    },
  ],
  /** Leases that are put back where they were lost, and what was sent to do that arrives twice. */
  repairs: [
    9,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([4, 8])) };
      const likings = { wipeRedis: 15, duplicate: 25, restartRedis: 3, slowServer: 4 };
      const clients = company(random, habits, [random.pick([2, 3]), brooding], [1, aside]);
      return { ...habits, clockFaults: 'none' as const, isShared: false, clients, likings };
    },
  ],
  /** Nodes that have their votes and lose them, while one of the servers does not look. */
  lapses: [
    4,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2])), isMixed: false, isDeclared: true };
      const clients = company(random, habits, [2, lively], [1, aside]);
      const calm = { clockFaults: 'none' as const, evicts: false, meanFaultEveryMs: 400, grants: chosen.grants * 2 };
      return { ...habits, ...calm, clients, likings: { leapLater: 60, leap: 5 }, servers: random.pick([2, 3]) };
    },
  ],
  /** Nodes that are all told a wrong time for a while, and more of what was sent before that than usual. */
  leaps: [
    4,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2, 4])), isMixed: false };
      const likings = { leapTogether: 15, stepClock: 4, duplicate: 10, slowLink: 3 };
      const windowMs = Math.round(random.between(100, 160));
      // A quarantine is longer than these and the window together, as it is in earnest.
      const ballotMs = 2 * windowMs + chosen.maxTtlMs;
      const wrong = { clockFaults: 'leaps' as const, windowMs, ballotMs, admissionMs: 300_000 };
      const clients = company(random, habits, [1, lively], [2, lasting], [1, aside]);
      return { ...habits, ...wrong, evicts: false, isDeclared: true, clients, likings };
    },
  ],
  /** A server that hears late, and asks late, of what others have done meanwhile. */
  slow: [
    16,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 1, 2])) };
      const likings = { slowServer: 15, slowLink: 8, loseAnswers: 12, pauseServer: 6, duplicate: 4, isolate: 4 };
      const clients = company(random, habits, [random.pick([3, 4]), lively], [random.pick([0, 1]), steady]);
      return { ...habits, clients, likings, servers: random.pick([2, 3]), nodeDeadlineMs: random.pick([50, 300, 300]) };
    },
  ],
  /** Clients that move from server to server and take along what they hold. */
  moves: [
    14,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2])) };
      const likings = {
        unsteady: 15,
        cutServer: 10,
        cutStream: 4,
        sever: 6,
        drainServer: 5,
        slowServer: 5,
        slowStreams: 8,
        failing: 6,
        restartRedis: 2,
      };
      const clients = company(random, habits, [2, lasting], [1, steady], [2, aside]);
      return { ...habits, clients, likings, servers: random.pick([2, 3]) };
    },
  ],
  /** Leases that are extended again and again, and others who wait for them to end. */
  keepers: [
    10,
    (random, chosen) => {
      const kept = { ...chosen, resources: names(2) };
      const brief = { ...chosen, resources: names(8).slice(2) };
      const likings = { isolate: 8, slowStreams: 8, sever: 6, slowServer: 8, pauseServer: 3, pauseClient: 3 };
      const clients = [
        ...company(random, kept, [random.pick([2, 3]), lasting], [1, lively]),
        ...company(random, brief, [1, lively]),
      ];
      const resources = names(8);
      return { ...chosen, resources, clients, likings, servers: random.pick([2, 3]), grants: chosen.grants * 2 };
    },
  ],
  /** Leases that live to their last moment, told late, to holders whom nobody hears any more. */
  overtime: [
    8,
    (random, chosen) => {
      // A bid waits longer for its nodes where leases are longer.
      const maxTtlMs = Math.round(random.between(800, 1_500));
      const graceMs = random.pick([50, 300]);
      const late = { ...chosen, minTtlMs: 500, maxTtlMs, graceMs, isMixed: false, nodeDeadlineMs: 300 };
      const habits = { ...late, resources: names(random.pick([1, 2])) };
      const likings = { slowServer: 20, slowStreams: 5, strand: 25, isolate: 5, pauseServer: 8 };
      const clients = [
        ...company(random, habits, [2, overstaying], [1, lively]),
        ...company(random, { ...late, resources: SIDE }, [2, lively]),
      ];
      const calm = {
        clockFaults: 'none' as const,
        grants: 2 * chosen.grants,
        meanFaultEveryMs: random.pick([60, 150]),
      };
      return { ...habits, ...calm, clients, likings, servers: random.pick([2, 3]) };
    },
  ],
  /** Leases that live hardly longer than messages travel. */
  brief: [
    5,
    (random, chosen) => {
      const maxTtlMs = Math.round(random.between(200, 350));
      const habits = { ...chosen, resources: names(random.pick([1, 3])), minTtlMs: 120, maxTtlMs };
      return { ...habits, clients: company(random, habits, [2, lively], [2, steady]) };
    },
  ],
  /** Anything at all. */
  mixture: [
    12,
    (random, chosen) => {
      const habits = { ...chosen, resources: names(random.pick([1, 2, 3])) };
      const counts = [random.pick([1, 2]), random.pick([0, 1, 2]), random.pick([0, 1])] as const;
      return {
        ...habits,
        clients: company(random, habits, [counts[0], lively], [counts[1], steady], [counts[2], lasting], [1, aside]),
      };
    },
  ],
};

export function redlockCastFor(random: SeededRandom): RedlockCast {
  const maxTtlMs = Math.round(random.between(400, 1_000));
  const windowMs = Math.round(random.between(150, 300));
  const clockFaults = random.pick(['none', 'none', 'none', 'walls', 'small steps', 'steps', 'rates'] as const);
  const chosen: Chosen = {
    clockFaults,
    redises: random.pick([3, 3, 3, 3, 4, 5, 5]),
    servers: random.pick([1, 2, 2, 3]),
    meanFaultEveryMs: random.pick([100, 200, 400]),
    likings: {},
    minTtlMs: 300,
    maxTtlMs,
    graceMs: random.pick([1_500, 5_000]),
    grants: 190,
    windowMs,
    nodeDeadlineMs: random.pick([50, 100, 300]),
    admissionMs: random.pick([4_000, 300_000]),
    // A clock that jumps takes short ballots along, and may go back before anybody has seen it.
    ballotMs:
      (clockFaults === 'none' || clockFaults === 'walls') && random.chance(0.3) ? 2 * windowMs + 2_000 : 600_000,
    isDeclared: random.chance(0.95),
    isShared: random.chance(0.1),
    isMixed: random.chance(0.2),
    lastStartsMs: random.chance(0.2) ? random.between(100, 2_000) : 0,
    evicts: random.chance(0.15),
  };
  const [profile, choose] = pickProfile(random, PROFILES);
  const picked = { ...chosen, ...choose(random, chosen), profile };
  const cast = { ...picked, resources: [...picked.resources, ...SIDE] };
  if (!cast.isMixed) return cast;
  // Longer ones than a server grants are refused there.
  return {
    ...cast,
    clients: cast.clients.map((work) => ({ ...work, maxTtlMs: random.pick([1, 1.5, LONGER]) * cast.maxTtlMs })),
  };
}

/** The settings of a server of this cast. */
export function settingsOf(cast: RedlockCast): RedlockSettings {
  const { maxTtlMs, windowMs, nodeDeadlineMs, admissionMs, ballotMs } = cast;
  const keyTemplate = cast.isShared ? 'holdfast:lock:{name}' : 'holdfast:{ns}:lock:{name}';
  return redlockSettings({ maxTtlMs, windowMs, nodeDeadlineMs, admissionMs, ballotMs, keyTemplate });
}
