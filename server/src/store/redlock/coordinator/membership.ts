import type { Clock, NodeReport, NodesOutcome, Random, Timer } from '../../../core/ports.js';
import { ClockWatch } from './clock-watch.js';
import { ConfigurationCheck } from './configuration-check.js';
import { declareNew, greatestTtlNow, type OrderPorts, resetNode } from './declaration.js';
import type { Electorate } from './electorate.js';
import { Member } from './member.js';
import type { MembershipEvents } from './membership-events.js';
import { quorum } from './quorum.js';
import type { NodeFacts, NodeStanding, RedisNode } from './redis-node.js';
import type { RedlockSettings } from './settings.js';

export type { MembershipEvent, MembershipEvents } from './membership-events.js';

/** While there may be leases, a node is asked after so long, and looked after so often: together 100 ms at most. */
const BUSY_PACE_MS = 75;
const BUSY_TICK_MS = 25;
/** Without leases. */
const IDLE_PACE_MS = 900;
const IDLE_TICK_MS = 100;
/** A timer this late says that the process stood still. */
const STALL_MS = 100;

export interface MembershipPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: MembershipEvents;
  /** The node can be called again. */
  readonly cameBack: (node: number) => void;
  /** The server trusts its own clock again. */
  readonly trusted: () => void;
  /** What its `NodeListener` was told. */
  readonly released: (node: number, key: string) => void;
  readonly wanted: (key: string, node: number) => void;
  /** Where a node is, for people. Default: not said. */
  readonly addressOf?: (node: number) => string;
}

/**
 * The nodes of a cluster as this server knows them: who may vote, and what time it is at the nodes. Asks them what it needs
 * to know by itself; whoever makes other calls reports the answers with `observed`.
 */
export class Membership implements Electorate {
  readonly size: number;
  readonly quorum: number;
  readonly #ports: MembershipPorts;
  readonly #members: readonly Member[];
  readonly #watch: ClockWatch;
  readonly #configuration: ConfigurationCheck;
  readonly #orders: OrderPorts;
  /** Leases granted or kept by calls that were answered before may live until then. */
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  readonly #longestLeaseMs: number;
  #tick: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #conflict: string | undefined;
  #problem: string | undefined;
  #ordering = false;

  constructor(settings: RedlockSettings, nodes: readonly RedisNode[], ports: MembershipPorts) {
    const { clock, random, events } = ports;
    this.size = nodes.length;
    this.quorum = quorum(nodes.length);
    this.#ports = ports;
    this.#longestLeaseMs = settings.maxTtlMs * (1 + settings.clockRateDrift) + settings.clockMarginMs;
    this.#watch = new ClockWatch(this.size, this.quorum, settings.clockRateDrift, {
      clock,
      measureAll: () => this.#measureAll(),
      moved: (node, byMs) => this.#clockMoved(node, byMs),
      suspected: (why) => events.event({ kind: 'self_suspected', why }),
      trusted: () => {
        events.event({ kind: 'self_trusted' });
        ports.trusted();
      },
    });
    this.#configuration = new ConfigurationCheck(settings.configuration, this.quorum, (node) => this.nodeName(node));
    const configuration = this.#configuration;
    const terms = {
      get greatestTtlMs() {
        return configuration.greatestTtlMs;
      },
      mayAdmit: (sinceMs: number) => configuration.confirmed && configuration.confirmedSince(sinceMs) >= this.quorum,
    };
    const shared = { settings, clock, random, events, watch: this.#watch, configuration, terms };
    const termsNeededMs = (): number => this.#termsNeededMs();
    const answered = (node: number, standing: NodeStanding, sentMs: number, receivedMs: number): void =>
      this.#answered(node, standing, sentMs, receivedMs);
    this.#members = nodes.map((node, index) => new Member(index, node, { ...shared, termsNeededMs, answered }));
    this.#orders = { settings, members: this.#members, configuration };
  }

  /** Connects to the nodes. Call once. */
  open(): void {
    for (const { index, node } of this.#members) {
      node.open({
        verified: (facts) => this.#verified(index, facts),
        down: (fault) => {
          if (this.#problem === undefined) this.#member(index).down(fault);
        },
        released: (key) => this.#ports.released(index, key),
        wanted: (key) => this.#ports.wanted(key, index),
      });
    }
    this.#arm();
  }

  nodeName(node: number): string {
    return this.#member(node).node.id;
  }

  reachable(node: number): boolean {
    return this.#member(node).connected;
  }

  mayVote(node: number): boolean {
    return this.#problem === undefined && this.#member(node).votes;
  }

  pausing(): boolean {
    return this.#watch.suspectsItself;
  }

  confirmed(): boolean {
    return this.#configuration.confirmed;
  }

  obstacle(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const conflict = this.#configuration.conflict();
    if (conflict !== undefined) return conflict;
    const reached = this.#members.filter((member) => member.reachable).length;
    if (reached >= this.quorum && this.#watch.suspectsItself) {
      return 'this server is being checked: it stood still, or its clock moved, and the nodes are asked for the time again';
    }
    const absent = this.#members.filter((member) => !member.helps);
    if (this.size - absent.length < this.quorum) return this.#absenceText(absent);
    if (this.confirmed()) return undefined;
    const { agreeing } = this.#configuration;
    return `this server is being checked: ${agreeing} of ${this.size} nodes have confirmed its configuration, ${this.quorum} must`;
  }

  medianUs(): number | undefined {
    const offsetMs = this.#medianOffsetMs();
    return offsetMs === undefined ? undefined : Math.floor((this.#ports.clock.nowMs() + offsetMs) * 1_000);
  }

  observed(node: number, standing: NodeStanding, sentMs: number, receivedMs: number): void {
    if (this.#problem !== undefined) return;
    this.#busyUntilMs = receivedMs + this.#longestLeaseMs;
    this.#member(node).asked(sentMs);
    this.#answered(node, standing, sentMs, receivedMs);
  }

  report(): readonly NodeReport[] {
    const median = this.#medianOffsetMs();
    return this.#members.map((member) => member.report(this.#ports.addressOf?.(member.index) ?? '', median));
  }

  declareNew(): Promise<NodesOutcome> {
    return this.#order(() => declareNew(this.#orders));
  }

  reset(nodeId: string): Promise<NodesOutcome> {
    return this.#order(() => resetNode(this.#orders, nodeId));
  }

  /** See the function of this name. */
  greatestTtlNow(): Promise<number | undefined> {
    return this.#problem === undefined ? greatestTtlNow(this.#orders, this.quorum) : Promise.resolve(undefined);
  }

  async close(): Promise<void> {
    this.#stop('this server is stopping');
    await Promise.all(this.#members.map(({ node }) => node.close()));
  }

  #verified(index: number, facts: NodeFacts): void {
    if (this.#problem !== undefined) return;
    const member = this.#member(index);
    const twin = this.#members.find((other) => other !== member && other.identity === facts.identity);
    if (twin !== undefined) {
      const [first, second] = [twin.node.id, member.node.id].sort();
      const problem = `${first} and ${second} are one and the same Redis: each node must be a process of its own`;
      this.#stop(problem);
      this.#ports.events.fatal(problem);
      return;
    }
    const cameBack = member.verified(facts);
    member.pump(0);
    if (cameBack) this.#ports.cameBack(index);
  }

  #answered(node: number, standing: NodeStanding, sentMs: number, receivedMs: number): void {
    if (this.#problem !== undefined) return;
    this.#noticeStall();
    const member = this.#member(node);
    this.#configuration.seen(node, standing);
    // First the clock: an answer that shows that it has moved must not count as that of a voter.
    this.#watch.observed(node, standing, sentMs, receivedMs);
    member.seen(standing, receivedMs);
    const conflict = this.#configuration.conflict();
    if (conflict !== undefined && conflict !== this.#conflict) {
      this.#ports.events.event({ kind: 'configuration_conflict', message: conflict });
    }
    this.#conflict = conflict;
  }

  #clockMoved(node: number, byMs: number): void {
    this.#ports.events.event({ kind: 'clock_shifted', node: this.nodeName(node), byMs });
    this.#member(node).distrust();
  }

  #measureAll(): void {
    for (const member of this.#members) member.measure();
  }

  /** The timer that should have run by now tells of a stall, also when answers are seen before it runs. */
  #noticeStall(): void {
    const nowMs = this.#ports.clock.nowMs();
    if (this.#tick === undefined || nowMs - this.#tick.dueMs <= STALL_MS) return;
    this.#arm();
    this.#watch.stalled();
  }

  #arm(): void {
    const { clock } = this.#ports;
    this.#tick?.timer.cancel();
    const tickMs = this.#hurried() ? BUSY_TICK_MS : IDLE_TICK_MS;
    const dueMs = clock.nowMs() + tickMs;
    this.#tick = { timer: clock.after(tickMs, () => this.#ticked()), dueMs };
  }

  #ticked(): void {
    this.#noticeStall();
    // First the next look: the process may stand still in the midst of what follows as well.
    this.#arm();
    const paceMs = this.#hurried() ? BUSY_PACE_MS : IDLE_PACE_MS;
    for (const member of this.#members) member.pump(paceMs);
  }

  #hurried(): boolean {
    return this.#watch.suspectsItself || this.#ports.clock.nowMs() < this.#busyUntilMs;
  }

  #termsNeededMs(): number {
    const nowMs = this.#ports.clock.nowMs();
    const { greatestTtlMs } = this.#configuration;
    return Math.max(...this.#members.map(({ admission }) => admission.termsNeededMs(nowMs, greatestTtlMs)));
  }

  #medianOffsetMs(): number | undefined {
    const nowMs = this.#ports.clock.nowMs();
    const offsets = this.#members.flatMap((member) => member.offsetMs(nowMs) ?? []).sort((a, b) => a - b);
    const upper = offsets[offsets.length >> 1];
    const lower = offsets[(offsets.length - 1) >> 1];
    return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
  }

  /** "2 of 5 nodes unreachable: redis-4 timed out after 300 ms, redis-5 refused the password; redis-2 is quarantined …" */
  #absenceText(absent: readonly Member[]): string {
    const described = (members: readonly Member[]): string =>
      members.map((member) => `${member.node.id} ${member.problem() ?? 'is being checked'}`).join(', ');
    const unreachable = absent.filter((member) => !member.reachable);
    const others = absent.filter((member) => member.reachable);
    const first = `${unreachable.length} of ${this.size} nodes unreachable: ${described(unreachable)}`;
    const parts = [...(unreachable.length > 0 ? [first] : []), ...(others.length > 0 ? [described(others)] : [])];
    return parts.join('; ');
  }

  async #order(run: () => Promise<NodesOutcome>): Promise<NodesOutcome> {
    if (this.#problem !== undefined) return { kind: 'refused', message: this.#problem };
    if (this.#ordering) return { kind: 'refused', message: 'another order to the nodes is being carried out' };
    this.#ordering = true;
    try {
      return await run();
    } finally {
      this.#ordering = false;
    }
  }

  /** Nothing is asked or granted any more. */
  #stop(problem: string): void {
    this.#problem ??= problem;
    for (const member of this.#members) member.close();
    this.#tick?.timer.cancel();
    this.#tick = undefined;
    this.#watch.close();
  }

  #member(node: number): Member {
    const member = this.#members[node];
    if (member === undefined) throw new RangeError(`there is no node ${node}`);
    return member;
  }
}
