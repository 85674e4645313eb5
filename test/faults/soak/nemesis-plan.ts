import { SeededRandom } from '../../simulation/seeded-random.js';
import type { Direction, Treatment } from '../../support/tcp-proxy.js';

/** Numbers count from 1. Without nodes there is one server, with the embedded store. */
export interface Cast {
  readonly nodes: 0 | 5;
  readonly servers: number;
  readonly clients: number;
}

/** One thing that is done to some nodes at once. */
export type StrikeAtNodes =
  | { readonly kind: 'kill_nodes'; readonly nodes: readonly number[]; readonly empty: boolean }
  | { readonly kind: 'stop_nodes'; readonly nodes: readonly number[] }
  | { readonly kind: 'flush_nodes'; readonly nodes: readonly number[] }
  /** `CLIENT PAUSE`: they take commands, and answer none of them. */
  | { readonly kind: 'hold_commands'; readonly nodes: readonly number[] }
  | { readonly kind: 'forget_scripts'; readonly nodes: readonly number[] }
  /** `CLIENT KILL` of everybody. */
  | { readonly kind: 'drop_connections'; readonly nodes: readonly number[] };

/** One thing that is done to the processes or the links between them. */
export type Strike =
  | StrikeAtNodes
  | { readonly kind: 'step_node_clock'; readonly node: number; readonly stepMs: number }
  /** A server is cut off from nodes; connections are reset and refused. */
  | { readonly kind: 'part'; readonly server: number; readonly nodes: readonly number[] }
  | {
      readonly kind: 'disturb_ways';
      readonly server: number;
      readonly nodes: readonly number[];
      readonly direction: Direction;
      readonly treatment: Treatment;
    }
  | { readonly kind: 'cut_door'; readonly server: number }
  /** The connections there are pass nothing any more, and stay up. */
  | { readonly kind: 'deafen_door'; readonly server: number }
  | {
      readonly kind: 'disturb_door';
      readonly server: number;
      readonly direction: Direction;
      readonly treatment: Treatment;
    }
  | { readonly kind: 'kill_server'; readonly server: number }
  | { readonly kind: 'drain_server'; readonly server: number }
  | { readonly kind: 'stop_server'; readonly server: number }
  | { readonly kind: 'step_server_clock'; readonly server: number; readonly stepMs: number }
  | { readonly kind: 'kill_client'; readonly client: number }
  | { readonly kind: 'stop_client'; readonly client: number }
  /**
   * All clients have one wall clock, which is set back and never forward: then they would give up early what they hold,
   * and what is given up so is not in a history.
   */
  | { readonly kind: 'step_client_clock'; readonly backMs: number };

/** A strike within its round. */
export interface Blow {
  readonly strike: Strike;
  readonly atMs: number;
  readonly forMs: number;
}

/** Strikes that overlap, and hit different things each. After a round everything is healed and has to recover. */
export interface Round {
  readonly number: number;
  readonly blows: readonly Blow[];
}

const LATEST_MS = 2_500;
const SHORTEST_MS = 300;
const LONGEST_MS = 4_000;
const MOST_BLOWS = 4;
/** So that several servers look at the clock while it is wrong: shorter steps may go unseen when nobody looks. */
const SHORTEST_STEP_MS = 1_000;
const HOUR_MS = 3_600_000;
/** What a node keeps with an end it reckoned by a clock that was ahead outlives that clock by as much. */
export const NODE_STEP_MS = 60_000;
const NODE_STEPS_MS = [NODE_STEP_MS, -NODE_STEP_MS];
const OTHER_STEPS_MS = [HOUR_MS, 24 * HOUR_MS, -HOUR_MS, -24 * HOUR_MS];

type Maker = (random: SeededRandom, cast: Cast) => Strike;

const some = (random: SeededRandom, { nodes }: Cast, most: number): readonly number[] =>
  random.shuffled(numbers(nodes)).slice(0, 1 + Math.floor(random.unit() * most));
const direction = (random: SeededRandom): Direction => random.pick(['up', 'down']);
/** Server 1 is never ended, so that what it keeps can be watched for the whole run. */
const mortal = (random: SeededRandom, { servers }: Cast): number =>
  servers === 1 ? 1 : 2 + Math.floor(random.unit() * (servers - 1));
const server = (random: SeededRandom, { servers }: Cast): number => random.pick(numbers(servers));
const client = (random: SeededRandom, { clients }: Cast): number => random.pick(numbers(clients));

function treatment(random: SeededRandom): Treatment {
  const ms = Math.round(random.between(5, 400));
  const bytes = Math.round(random.between(1, 2_000));
  return random.pick<Treatment>([
    { kind: 'delay', ms },
    { kind: 'swallow' },
    { kind: 'hold' },
    { kind: 'reset_after', bytes },
  ]);
}

/** Of nodes and the ways to them; a lease may lose its majority by any of them, and none by too few nodes. */
const OF_NODES: readonly Maker[] = [
  (random, cast) => ({ kind: 'kill_nodes', nodes: some(random, cast, 2), empty: random.chance(0.5) }),
  (random, cast) => ({ kind: 'stop_nodes', nodes: some(random, cast, 2) }),
  (random, cast) => ({ kind: 'flush_nodes', nodes: some(random, cast, cast.nodes) }),
  (random, cast) => ({ kind: 'hold_commands', nodes: some(random, cast, 2) }),
  (random, cast) => ({ kind: 'forget_scripts', nodes: some(random, cast, cast.nodes) }),
  (random, cast) => ({ kind: 'drop_connections', nodes: some(random, cast, cast.nodes) }),
  (random, cast) => ({ kind: 'part', server: server(random, cast), nodes: some(random, cast, cast.nodes) }),
  disturbedWays,
  disturbedWays,
];

function disturbedWays(random: SeededRandom, cast: Cast): Strike {
  const nodes = some(random, cast, cast.nodes);
  return {
    kind: 'disturb_ways',
    server: server(random, cast),
    nodes,
    direction: direction(random),
    treatment: treatment(random),
  };
}

const OF_ALL: readonly Maker[] = [
  (random, cast) => ({ kind: 'cut_door', server: server(random, cast) }),
  (random, cast) => ({ kind: 'deafen_door', server: server(random, cast) }),
  (random, cast) => ({
    kind: 'disturb_door',
    server: server(random, cast),
    direction: direction(random),
    treatment: treatment(random),
  }),
  (random, cast) => ({ kind: 'kill_server', server: mortal(random, cast) }),
  (random, cast) => ({ kind: 'drain_server', server: mortal(random, cast) }),
  (random, cast) => ({ kind: 'stop_server', server: server(random, cast) }),
  (random, cast) => ({ kind: 'step_server_clock', server: server(random, cast), stepMs: random.pick(OTHER_STEPS_MS) }),
  (random, cast) => ({ kind: 'kill_client', client: client(random, cast) }),
  (random, cast) => ({ kind: 'stop_client', client: client(random, cast) }),
  (random) => ({ kind: 'step_client_clock', backMs: random.pick(OTHER_STEPS_MS.map(Math.abs)) }),
];

/** The rounds that belong to a seed, without end. */
export function* roundsOf(seed: number, cast: Cast): Generator<Round, never, void> {
  const random = new SeededRandom(seed);
  for (let number = 1; ; number += 1) yield { number, blows: blowsOf(random, cast) };
}

function blowsOf(random: SeededRandom, cast: Cast): readonly Blow[] {
  const luck = random.unit();
  if (cast.nodes > 0 && luck < 0.12) return [clockStep(random, cast)];
  if (cast.nodes > 0 && luck < 0.24) return [majorityGone(random, cast)];
  const makers = cast.nodes === 0 ? OF_ALL : [...OF_NODES, ...OF_ALL];
  const count = 1 + Math.floor(random.unit() * MOST_BLOWS);
  const taken = new Set<string>();
  const blows: Blow[] = [];
  while (blows.length < count) {
    const strike = random.pick(makers)(random, cast);
    const targets = targetsOf(strike);
    const blow = { strike, ...when(random) };
    // What is left to strike may be less than there are blows.
    if (targets.some((target) => taken.has(target))) {
      if (blows.length > 0) break;
      continue;
    }
    for (const target of targets) taken.add(target);
    blows.push(blow);
  }
  return blows;
}

/**
 * Alone in its round, at one node, and long enough to be seen: who may believe what when several clocks leap, or one while
 * nobody looks, is a documented limit.
 */
function clockStep(random: SeededRandom, cast: Cast): Blow {
  const node = random.pick(numbers(cast.nodes));
  const { atMs } = when(random);
  const forMs = Math.round(random.between(SHORTEST_STEP_MS, LONGEST_MS));
  return { strike: { kind: 'step_node_clock', node, stepMs: random.pick(NODE_STEPS_MS) }, atMs, forMs };
}

function majorityGone(random: SeededRandom, cast: Cast): Blow {
  const least = majorityOf(cast);
  const nodes = random
    .shuffled(numbers(cast.nodes))
    .slice(0, least + Math.floor(random.unit() * (cast.nodes - least + 1)));
  const strike: Strike = random.chance(0.5)
    ? { kind: 'stop_nodes', nodes }
    : { kind: 'kill_nodes', nodes, empty: random.chance(0.5) };
  return { strike, ...when(random) };
}

function when(random: SeededRandom): Pick<Blow, 'atMs' | 'forMs'> {
  return {
    atMs: Math.round(random.between(0, LATEST_MS)),
    forMs: Math.round(random.between(SHORTEST_MS, LONGEST_MS)),
  };
}

/** So many nodes that without them nothing can be certain. */
export function majorityOf({ nodes }: Cast): number {
  return Math.floor(nodes / 2) + 1;
}

/** What a strike takes hold of: no two of a round do the same. */
export function targetsOf(strike: Strike): readonly string[] {
  switch (strike.kind) {
    case 'kill_nodes':
    case 'stop_nodes':
    case 'flush_nodes':
    case 'hold_commands':
    case 'forget_scripts':
    case 'drop_connections':
      return strike.nodes.map((node) => `node ${node}`);
    case 'step_node_clock':
      return [`node ${strike.node}`];
    case 'part':
    case 'disturb_ways':
      return strike.nodes.map((node) => `way from server ${strike.server} to node ${node}`);
    case 'cut_door':
    case 'deafen_door':
    case 'disturb_door':
      return [`door of server ${strike.server}`];
    case 'kill_server':
    case 'drain_server':
    case 'stop_server':
    case 'step_server_clock':
      return [`server ${strike.server}`];
    case 'kill_client':
    case 'stop_client':
      return [`client ${strike.client}`];
    case 'step_client_clock':
      return ['clock of the clients'];
  }
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
