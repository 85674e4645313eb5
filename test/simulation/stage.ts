import type { AskingWatch } from '../history/asking-watch.js';
import type { History } from '../history/history.js';
import type { Belief } from '../history/terms.js';
import type { CountLeft } from '../history/things-left.js';
import type { Cast } from './cast.js';
import type { Reachable } from './connection.js';
import type { SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import type { Troubles } from './troubles.js';
import type { World } from './world.js';

/** One kind of fault; the greater its weight, the more often it strikes. */
export interface FaultKind {
  readonly name: string;
  readonly weight: number;
  /** False where there was nothing to strike. What it chooses, it chooses with this random source alone. */
  strike(random: SeededRandom): boolean;
}

/** A server whose process can die: the real core over a real store, and something simulated below that. */
export interface SimServer extends Reachable {
  readonly running: boolean;
  /** What its process would have stopped for. */
  readonly fatal: readonly string[];
  start(): void;
  kill(network: SimNetwork): void;
  /** The store comes to an orderly end. */
  close(): void;
}

/** Something that must not be, or not any more. */
export interface Problem {
  readonly guarantee: string;
  readonly what: string;
  readonly resource?: string;
}

/** What a system finds when it is set up. */
export interface StageParts<C extends Cast = Cast> {
  readonly world: World;
  readonly history: History;
  readonly network: SimNetwork;
  /** Looks on at what servers ask of their stores. */
  readonly asking: AskingWatch;
  readonly troubles: Troubles;
  readonly random: SeededRandom;
  readonly cast: C;
  /** A process with clocks of its own. */
  newProcess(name: string): SimProcess;
}

/** One system, set up: what is below the servers' cores, and what can befall it. */
export interface Stage {
  readonly servers: readonly SimServer[];
  /** Faults of its own. */
  readonly faults: readonly FaultKind[];
  /** How long after the last fault everybody can have everything again (I11). */
  readonly recoveryMs: number;
  begin(): void;
  /** Somebody believes this, perhaps for longer than before. */
  believed?(belief: Belief): void;
  /**
   * Whether a lease is somebody's still, as far as the store goes: nobody else can be granted the resource. Not where a crash may
   * bring back for a while what was given back.
   */
  stands?(resource: string, token: bigint): boolean;
  /** What happened just now may make two believe for so long that they hold this: a limit that is documented. */
  beliefsMayMeet(resource: string, forMs: number): boolean;
  /** What has not recovered yet. */
  ailments(): readonly Problem[];
  /** What is left of clients that have all gone. */
  leftovers(): readonly Problem[];
}

/** What a server that runs has of everything that is counted. */
export function countsOf({ core, process }: SimServer): readonly CountLeft[] {
  return Object.entries(core?.sizes() ?? {}).map(([what, count]) => ({ where: process.name, what, count }));
}
