import { type BenchContext, ROUNDS, type RowSpec } from '../bench-context.js';
import type { MeasuredJob, Window } from '../generator/job.js';
import { type Comparison, type Row, row } from '../report.js';
import { SATURATED } from '../report-table.js';
import { median, rounded } from '../statistics.js';
import { prepareEtcd } from '../systems/etcd-server.js';
import { prepareHoldfast } from '../systems/holdfast-server.js';
import { type Round, type Side, sideDetails, withSides } from './side.js';

/** A row whose value is operations per second. */
export interface ThroughputSpec {
  readonly name: string;
  readonly peer: string;
  readonly unit: string;
  readonly ours: OursWorkload;
  readonly theirs: (window: Window) => MeasuredJob;
}

/** What is done on our side in one row. */
export interface OursWorkload {
  measure(side: Side, window: Window): Promise<Round>;
  perSecond(round: Round): number;
  /** What a reader has to know of the rounds. */
  remark(rounds: readonly Round[]): string | undefined;
}

const MAX_WARM_UP_MS = 2_000;

/** The same job on both sides. */
export function sameJob(job: (window: Window) => MeasuredJob): Pick<ThroughputSpec, 'ours' | 'theirs'> {
  const ours: OursWorkload = {
    measure: (side, window) => side.measure(job(window)),
    perSecond,
    remark: () => undefined,
  };
  return { ours, theirs: job };
}

export function throughputRow(spec: ThroughputSpec): RowSpec {
  return {
    name: spec.name,
    measure: (context) =>
      withSides(context, prepareHoldfast, prepareEtcd, (ours, peer) => measureRow(spec, context, ours, peer)),
  };
}

async function measureRow(
  { name, peer, unit, ours, theirs }: ThroughputSpec,
  { seconds, etcd, progress }: BenchContext,
  oursSide: Side,
  peerSide: Side | undefined,
): Promise<Row> {
  const measureMs = seconds * 1_000;
  const window = { warmUpMs: Math.min(MAX_WARM_UP_MS, measureMs / 2), measureMs };
  const oursRounds: Round[] = [];
  const peerRounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`${name}: round ${round} of ${ROUNDS}`);
    oursRounds.push(await ours.measure(oursSide, window));
    if (peerSide !== undefined) peerRounds.push(await peerSide.measure(theirs(window)));
  }
  const oursDetails = sideDetails(oursRounds, ours.perSecond);
  const peerDetails = peerRounds.length === 0 ? null : sideDetails(peerRounds, perSecond);
  const comparison: Comparison = {
    name,
    peer,
    unit,
    better: 'higher',
    ours: median(oursRounds.map(ours.perSecond)),
    peerValue: peerRounds.length === 0 ? null : median(peerRounds.map(perSecond)),
    oursDetails,
    peerDetails,
    ...batching(oursRounds),
  };
  const remarks = [
    ours.remark(oursRounds),
    etcd.kind === 'missing' ? etcd.why : undefined,
    saturation('ours', oursDetails.generatorBusy),
    saturation(peer, peerDetails?.generatorBusy),
    disorder('ours', oursDetails.outOfOrder),
    disorder(peer, peerDetails?.outOfOrder),
  ].filter((remark) => remark !== undefined);
  return row(remarks.length === 0 ? comparison : { ...comparison, note: remarks.join('; ') });
}

function perSecond(round: Round): number {
  return round.perSecond;
}

/** How much travelled together, over all rounds. */
function batching(rounds: readonly Round[]): Pick<Row, 'framesPerMessage' | 'grantsPerCommit'> {
  const gained = rounds.flatMap((round) => round.gained ?? []);
  const sum = (of: (each: (typeof gained)[number]) => number): number =>
    gained.reduce((total, each) => total + of(each), 0);
  const messages = sum(({ messagesIn, messagesOut }) => messagesIn + messagesOut);
  const commits = sum((each) => each.commits);
  return {
    ...(messages > 0 && {
      framesPerMessage: rounded(sum(({ framesIn, framesOut }) => framesIn + framesOut) / messages),
    }),
    ...(commits > 0 && { grantsPerCommit: rounded(sum(({ commitGrants }) => commitGrants) / commits) }),
  };
}

function saturation(side: string, busy: number | undefined): string | undefined {
  if (busy === undefined || busy < SATURATED) return undefined;
  return `${side}: the load generator was busy ${Math.round(busy * 100)} % of the time, so the server may do more`;
}

function disorder(side: string, outOfOrder: number | undefined): string | undefined {
  if (outOfOrder === undefined || outOfOrder === 0) return undefined;
  return `${side}: ${outOfOrder} hand-offs went to a client while another had asked earlier`;
}
