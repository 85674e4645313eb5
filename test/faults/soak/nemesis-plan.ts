import { SeededRandom } from '../../simulation/seeded-random.js';
import { UNFITNESSES } from '../../support/redlock/unfit-node.js';
import type { Direction, Treatment } from '../../support/tcp-proxy.js';
import { PESTERINGS } from '../harness/stranger.js';
import { type Blow, type Cast, majorityOf, type Round, type Strike, targetsOf } from './strikes.js';

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
    { kind: 'forget_idle', ms },
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
  (random, cast) => ({ kind: 'unfit_nodes', nodes: some(random, cast, cast.nodes), how: random.pick(UNFITNESSES) }),
  (random, cast) => ({ kind: 'unfit_nodes', nodes: some(random, cast, 2), how: random.pick(UNFITNESSES) }),
  (random, cast) => ({ kind: 'part', server: server(random, cast), nodes: some(random, cast, cast.nodes) }),
  disturbedWays,
  disturbedWays,
  (random, cast) => ({
    kind: 'half_close_ways',
    server: server(random, cast),
    nodes: some(random, cast, cast.nodes),
    direction: direction(random),
  }),
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
  (random, cast) => ({ kind: 'half_close_door', server: server(random, cast), direction: direction(random) }),
  (random, cast) => ({
    kind: 'pester_server',
    server: server(random, cast),
    by: random.pick(PESTERINGS),
    seed: random.next(),
  }),
  (random, cast) => ({ kind: 'kill_server', server: mortal(random, cast) }),
  (random, cast) => ({ kind: 'drain_server', server: mortal(random, cast) }),
  (random, cast) => ({ kind: 'stop_server', server: server(random, cast) }),
  (random, cast) => ({ kind: 'stutter_server', server: server(random, cast) }),
  (random, cast) => ({ kind: 'step_server_clock', server: server(random, cast), stepMs: random.pick(OTHER_STEPS_MS) }),
  (random, cast) => ({ kind: 'kill_client', client: client(random, cast) }),
  (random, cast) => ({ kind: 'leave_client', client: client(random, cast) }),
  (random, cast) => ({ kind: 'busy_client', client: client(random, cast) }),
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

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
