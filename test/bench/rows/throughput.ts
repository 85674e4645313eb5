import { type BenchContext, ROUNDS, type RowSpec } from '../bench-context.js';
import type { MeasuredJob, Window } from '../generator/job.js';
import { byMerit, type Comparison, type PeerResult, type Row, row } from '../report.js';
import { median, rounded } from '../statistics.js';
import type { Contestant } from './contestants.js';
import { disorder, saturation } from './remarks.js';
import { type Round, type Side, withSides } from './side.js';
import { sideDetails } from './side-details.js';

/** A row whose value is operations per second. */
export interface ThroughputSpec {
  readonly name: string;
  readonly unit: string;
  readonly on: Contestant;
  readonly ours: OursWorkload;
  /** The best of these is the row's peer. */
  readonly rivals: readonly [Peer, ...Peer[]];
  /** Compared with as well. */
  readonly others: readonly Peer[];
}

/** What is done on our side in one row. */
export interface OursWorkload {
  measure(side: Side, window: Window): Promise<Round>;
  perSecond(round: Round): number;
  /** What a reader has to know of the rounds. */
  remark(rounds: readonly Round[]): string | undefined;
}

/** Another system, and what it does in the row. */
export interface Peer {
  readonly label: string;
  readonly on: Contestant;
  readonly job: (window: Window) => MeasuredJob;
}

const MAX_WARM_UP_MS = 2_000;

/** What the load generator does by itself. */
export function generated(job: (window: Window) => MeasuredJob): OursWorkload {
  return { measure: (side, window) => side.measure(job(window)), perSecond, remark: () => undefined };
}

export function throughputRow(spec: ThroughputSpec): RowSpec {
  const peers = [...spec.rivals, ...spec.others];
  return {
    name: spec.name,
    measure: (context) => {
      const presence = spec.on.presence(context);
      if (presence.kind === 'missing') throw new Error(presence.why);
      const present = peers.map(({ on }) => (on.presence(context).kind === 'present' ? on : undefined));
      return withSides([spec.on, ...present], ([ours, ...theirs]) => {
        if (ours === undefined) throw new Error('our own side is missing');
        return measureRow(spec, context, ours, theirs);
      });
    },
  };
}

async function measureRow(
  spec: ThroughputSpec,
  context: BenchContext,
  oursSide: Side,
  theirSides: readonly (Side | undefined)[],
): Promise<Row> {
  const { name, unit, ours, rivals } = spec;
  const peers = [...spec.rivals, ...spec.others];
  const measureMs = context.seconds * 1_000;
  const window = { warmUpMs: Math.min(MAX_WARM_UP_MS, measureMs / 2), measureMs };
  const oursRounds: Round[] = [];
  const theirRounds: Round[][] = peers.map(() => []);
  for (let round = 1; round <= ROUNDS; round++) {
    context.progress(`${name}: round ${round} of ${ROUNDS}`);
    oursRounds.push(await ours.measure(oursSide, window));
    for (const [index, { job }] of peers.entries()) {
      const side = theirSides[index];
      if (side !== undefined) theirRounds[index]?.push(await side.measure(job(window)));
    }
  }
  const results = peers.map(({ label }, index) => peerResult(label, theirRounds[index] ?? []));
  const [best, ...beaten] = byMerit(results.slice(0, rivals.length), 'higher');
  if (best === undefined) throw new Error(`${name} has no rivals`);
  const others = [...beaten, ...results.slice(rivals.length)];
  const oursDetails = sideDetails(oursRounds, ours.perSecond);
  const comparison: Comparison = {
    name,
    unit,
    better: 'higher',
    ours: median(oursRounds.map(ours.perSecond)),
    oursDetails,
    ...best,
    ...(others.length > 0 && { others }),
    ...travelledTogether(oursRounds, ours.perSecond),
  };
  const remarks = [
    ours.remark(oursRounds),
    ...absences(peers, context),
    ...[{ peer: 'ours', peerDetails: oursDetails }, ...results].flatMap(({ peer, peerDetails }) => [
      saturation(peer, peerDetails),
      disorder(peer, peerDetails, context.seconds),
    ]),
  ].filter((remark) => remark !== undefined);
  return row(remarks.length === 0 ? comparison : { ...comparison, note: remarks.join('; ') });
}

function peerResult(peer: string, rounds: readonly Round[]): PeerResult {
  if (rounds.length === 0) return { peer, peerValue: null, peerDetails: null };
  return { peer, peerValue: median(rounds.map(perSecond)), peerDetails: sideDetails(rounds, perSecond) };
}

/** Why peers could not run, each reason once. */
function absences(peers: readonly Peer[], context: BenchContext): readonly string[] {
  const reasons = peers.flatMap(({ on }) => {
    const presence = on.presence(context);
    return presence.kind === 'missing' ? [presence.why] : [];
  });
  return [...new Set(reasons)];
}

function perSecond(round: Round): number {
  return round.perSecond;
}

/** How much travelled together, over all rounds. */
function travelledTogether(
  rounds: readonly Round[],
  rateOf: (round: Round) => number,
): Pick<Row, 'framesPerMessage' | 'grantsPerCommit' | 'scriptCallsPerOperation'> {
  const gained = rounds.flatMap((round) => round.gained ?? []);
  const sum = (of: (each: (typeof gained)[number]) => number): number =>
    gained.reduce((total, each) => total + of(each), 0);
  const messages = sum(({ messagesIn, messagesOut }) => messagesIn + messagesOut);
  const commits = sum((each) => each.commits);
  const scriptCalls = sum((each) => each.scriptCalls);
  const operations = rounds.reduce((total, round) => total + (rateOf(round) * round.gainedInMs) / 1_000, 0);
  return {
    ...(messages > 0 && {
      framesPerMessage: rounded(sum(({ framesIn, framesOut }) => framesIn + framesOut) / messages),
    }),
    ...(commits > 0 && { grantsPerCommit: rounded(sum(({ commitGrants }) => commitGrants) / commits) }),
    ...(scriptCalls > 0 && { scriptCallsPerOperation: rounded(scriptCalls / operations) }),
  };
}
