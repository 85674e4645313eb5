import type { Percentiles } from '../generator/job.js';
import type { CpuMicros, SideDetails } from '../report.js';
import { median, rounded } from '../statistics.js';
import type { Round } from './side.js';

const MICROSECONDS_PER_SECOND = 1_000_000;

/** What a row says of a side. */
export function sideDetails(rounds: readonly Round[], rateOf: (round: Round) => number): SideDetails {
  const middle = (of: (round: Round) => number): number => rounded(median(rounds.map(of)));
  const serverCores = middleOfTold(rounds, (round) => round.serverCores);
  const nodesCores = middleOfTold(rounds, (round) => round.nodesCores);
  const acquire = acquirePercentiles(rounds);
  return {
    rounds: rounds.map((round) => rounded(rateOf(round))),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    ...(acquire !== undefined && { acquire }),
    generatorBusy: middle(({ busy }) => busy),
    generatorCores: middle(({ cores }) => cores),
    ...(serverCores !== undefined && { serverCores }),
    ...(nodesCores !== undefined && { nodesCores }),
    cpuMicros: cpuMicros(rounds, rateOf),
    outOfOrder: rounds.reduce((sum, { outOfOrder }) => sum + outOfOrder, 0),
  };
}

function acquirePercentiles(rounds: readonly Round[]): Percentiles | undefined {
  const p50Ms = middleOfTold(rounds, ({ acquire }) => acquire?.p50Ms);
  const p99Ms = middleOfTold(rounds, ({ acquire }) => acquire?.p99Ms);
  return p50Ms === undefined || p99Ms === undefined ? undefined : { p50Ms, p99Ms };
}

/** What an operation cost each kind of process: what was used in a second, shared by what was done in it. */
function cpuMicros(rounds: readonly Round[], rateOf: (round: Round) => number): CpuMicros {
  const share = (round: Round, cores: number | undefined): number | undefined =>
    cores === undefined ? undefined : (cores * MICROSECONDS_PER_SECOND) / rateOf(round);
  const server = middleOfTold(rounds, (round) => share(round, round.serverCores));
  const nodes = middleOfTold(rounds, (round) => share(round, round.nodesCores));
  return {
    generator: rounded(median(rounds.map((round) => (round.cores * MICROSECONDS_PER_SECOND) / rateOf(round)))),
    ...(server !== undefined && { server }),
    ...(nodes !== undefined && { nodes }),
  };
}

/** The median over the rounds that tell; `undefined` when none does. */
function middleOfTold(rounds: readonly Round[], of: (round: Round) => number | undefined): number | undefined {
  const values = rounds.flatMap((round) => of(round) ?? []);
  return values.length === 0 ? undefined : rounded(median(values));
}
