import type { Write } from './accepted-writes.js';
import { type Closure, FailClosed } from './fail-closed.js';
import { FencedLog } from './fenced-log.js';
import { type EndOfBelief, HolderStops } from './holder-stops.js';
import { judgeKeys, type KeyLeft, type KeysAllowed } from './keys-left.js';
import { OneBeliever } from './one-believer.js';
import { QueueOrder } from './queue-order.js';
import { type Healing, Recovery } from './recovery.js';
import { SETTLE_SLACK_MS, Settling } from './settling.js';
import {
  type Belief,
  type BeliefsMayMeet,
  type Court,
  type Grant,
  type InvariantName,
  microseconds,
  type Operation,
  type Party,
  type Scene,
  type Violation,
} from './terms.js';
import { type CountLeft, type HeapLeft, judgeThings } from './things-left.js';
import { TokenOrder } from './token-order.js';

export type { Grant, Operation, Party, Scene, Violation } from './terms.js';

export interface HistoryOptions {
  /** What an acquire may fail with whatever happens. Default: anything. */
  readonly failureCodes?: readonly string[];
  /** How much later than its wait an acquire may be settled. Default: 250 ms. */
  readonly settleSlackMs?: number;
  /** Somebody believes this, perhaps for longer than before. Default: nobody looks at it. */
  readonly believed?: (belief: Belief) => void;
}

/** How near it was: what each invariant measures, whether it was broken or not. `undefined`: there was nothing to measure. */
export interface Figures {
  readonly grants: number;
  /** I3: the time that two believed one thing. */
  readonly overlapMs: number;
  /** I4: the least time from a deadline that was let pass to the next grant. */
  readonly marginMs: number | undefined;
  /** I5: the latest that an acquire was settled after its wait; negative: before that. */
  readonly latestMs: number | undefined;
  /** I11: the longest that anything took to be granted again. */
  readonly recoveryMs: number | undefined;
}

/**
 * What happened, and what must not have: the checker of all suites. Each invariant has a file of its own in this folder, which
 * says what it promises; I9 will come with idempotency.
 *
 * Knows nothing of what it watches: whoever has clients, and a time that is the same for all of them, can use it. It is to be
 * told of things in the order in which they happen, either at once, or later out of a record (`replay.ts`).
 *
 * Outcomes that nobody knows count as what they may be. An acquire without an answer may have used up a token, and may hold
 * the resource without anybody's believing so; a release without one may have freed it, and its caller's belief ends with the
 * call in either case.
 */
export class History {
  grants = 0;
  readonly found: Violation[] = [];
  readonly log: FencedLog;
  readonly queues: QueueOrder;
  readonly #tokens: TokenOrder;
  readonly #believers: OneBeliever;
  readonly #stops: HolderStops;
  readonly #settling: Settling;
  readonly #closed: FailClosed;
  readonly #recovery: Recovery;
  readonly #court: Court;
  /** Who may have a token that nobody was told of: “client resource”. */
  readonly #untold = new Set<string>();

  constructor(
    private readonly scene: Scene,
    private readonly beliefsMayMeet: BeliefsMayMeet = () => false,
    { failureCodes, settleSlackMs = SETTLE_SLACK_MS, believed }: HistoryOptions = {},
  ) {
    const court: Court = {
      get nowMs() {
        return scene.nowMs;
      },
      accuse: (of: InvariantName, what, sinceMs, resource) => this.#accuse(of, what, sinceMs, resource),
    };
    this.#court = court;
    this.#tokens = new TokenOrder(court, beliefsMayMeet);
    const violated = (what: string, resource: string): void => court.accuse('I2', what, scene.nowMs, resource);
    this.log = new FencedLog(
      violated,
      (write) => this.#mayHave(write),
      (write, newest) => this.#refused(write, newest),
    );
    this.#believers = new OneBeliever(court, beliefsMayMeet, believed);
    this.#stops = new HolderStops(court, beliefsMayMeet);
    this.#settling = new Settling(court, settleSlackMs);
    this.queues = new QueueOrder(court);
    this.#closed = new FailClosed(court, failureCodes);
    this.#recovery = new Recovery(court);
  }

  get violations(): readonly string[] {
    return this.found.map(({ text }) => text);
  }

  /** Beliefs of two that nobody promised to prevent. */
  get excused(): number {
    return this.#believers.excused;
  }

  get figures(): Figures {
    const { grants } = this;
    return {
      grants,
      overlapMs: this.#believers.overlapMs,
      marginMs: finite(this.#stops.marginMs),
      latestMs: finite(this.#settling.latestMs),
      recoveryMs: finite(this.#recovery.longestMs),
    };
  }

  invoked(client: Party, resource: string, waitMs: number): Operation {
    const operation = { client, resource, waitMs, invokedAtMs: this.scene.nowMs };
    this.#tokens.invoked(operation);
    this.#settling.invoked(operation);
    return operation;
  }

  /** An acquire ended without a lease. */
  settled(operation: Operation): void {
    this.#settling.settled(operation);
    this.#tokens.settled(operation);
  }

  /** An acquire failed, with a code. */
  failed(operation: Operation, code: string): void {
    this.#closed.failed(operation, code);
    this.settled(operation);
  }

  /** An acquire ended, and nobody knows how. */
  unknown(operation: Operation): void {
    this.#untold.add(`${operation.client.name} ${operation.resource}`);
    this.settled(operation);
  }

  granted(operation: Operation, grant: Grant): void {
    const { client, resource } = operation;
    this.grants += 1;
    this.scene.note(client.name, `holds ${resource} with token ${grant.token}`, resource);
    this.#tokens.granted(operation, grant);
    this.settled(operation);
    this.#closed.granted(operation);
    this.#recovery.granted(resource, operation.invokedAtMs);
    const belief = { client, resource, grant, sinceMs: this.scene.nowMs };
    this.#stops.begin(belief);
    this.#believers.begin(belief);
  }

  /** From now on the client does not rely on it. `end`: on whose account. */
  over(grant: Grant, how: string, end: EndOfBelief = how === 'lost' ? 'told' : 'released'): void {
    const belief = this.#believers.get(grant);
    if (belief === undefined) return;
    this.scene.note(belief.client.name, `${how} ${belief.resource}`, belief.resource);
    this.#stops.end(belief, end);
    this.#believers.end(belief);
  }

  /** The client has looked at its lease and goes on. */
  reliedOn(grant: Grant): void {
    const belief = this.#believers.get(grant);
    if (belief !== undefined) this.#stops.reliedOn(belief);
  }

  /** The client heard that a lease was extended; its `remainingMs` is what it was before. */
  extended(client: Party, resource: string, grant: Grant): void {
    this.#stops.extended(this.#believers.get(grant), grant, client.name, resource);
  }

  died(client: Party): void {
    this.#believers.endAll(client);
    for (const { resource } of this.#settling.openOf(client)) this.#untold.add(`${client.name} ${resource}`);
    this.#settling.died(client);
  }

  wasPaused(client: Party, forMs: number): void {
    this.#settling.wasPaused(client, forMs);
  }

  /** Looks whether anybody else believes what this client believes, now. To be called when its beliefs may have grown. */
  checkBeliefs(client: Party): void {
    this.#believers.check(client);
  }

  /** From now on nothing can be certain. */
  closes(closure: Closure): void {
    this.#closed.begin(closure);
  }

  /** A fault under which nothing could be certain is over. */
  opens(fault: string): void {
    this.#closed.end(fault);
  }

  /** A fault is over: by then something is to be possible again. */
  healed(healing: Healing): void {
    this.#recovery.healed(healing);
  }

  /** Somebody who is not watched otherwise was granted a resource, and has given it back. */
  probed(resource: string, calledMs: number): void {
    this.#recovery.granted(resource, calledMs);
  }

  /** What nodes have when everything has had time to end. */
  keysLeft(keys: readonly KeyLeft[], allowed: KeysAllowed): void {
    judgeKeys(this.#court, keys, allowed);
  }

  /** What processes have when everybody has gone. */
  thingsLeft(counts: readonly CountLeft[], heaps: readonly HeapLeft[] = []): void {
    judgeThings(this.#court, counts, heaps);
  }

  /** At the end, when everything has had time to come to its end. */
  finish(): void {
    this.#settling.finish();
    this.#believers.finish();
    this.#recovery.finish();
  }

  /** Something that only the scenario can judge. */
  violated(guarantee: string, what: string, resource?: string): void {
    this.#accuse(guarantee, what, this.scene.nowMs, resource);
  }

  #mayHave({ resource, token, writer }: Write): boolean {
    const holder = this.#tokens.holderOf(resource, token);
    return holder === writer || (holder === undefined && this.#untold.has(`${writer} ${resource}`));
  }

  /** I2: whoever may rely on what it was granted can write. That somebody newer has written means that two were granted it. */
  #refused(write: Write, newest: bigint): void {
    const { resource, token, writer } = write;
    if (!this.#believers.believes(write) || this.beliefsMayMeet(resource, 0)) return;
    const what = `${resource} refused a write with ${token} by ${writer}, which holds it, after one with ${newest}`;
    this.#accuse('I2', what, this.scene.nowMs, resource);
  }

  #accuse(of: string, what: string, sinceMs: number, resource: string | undefined): void {
    const atMs = this.scene.nowMs;
    this.found.push({ text: `${of} at ${atMs.toFixed(3)} ms: ${what}`, sinceMs, atMs, resource });
    this.scene.note('checker', `${of}: ${what}`, resource);
  }
}

/** Figures in one line, for reports. */
export function inFigures({ grants, overlapMs, marginMs, latestMs, recoveryMs }: Figures): string {
  const parts = [
    `${grants} grants`,
    `overlap ${microseconds(overlapMs)}`,
    ...(marginMs === undefined ? [] : [`least margin ${microseconds(marginMs)}`]),
    ...(latestMs === undefined || latestMs <= 0 ? [] : [`latest answer ${microseconds(latestMs)} after its wait`]),
    ...(recoveryMs === undefined ? [] : [`longest recovery ${microseconds(recoveryMs)}`]),
  ];
  return parts.join(', ');
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
