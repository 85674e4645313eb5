import type { Clock, NodeReport, Random } from '../../../core/ports.js';
import { Admission, type AdmissionTerms } from './admission.js';
import { AskingTimes } from './asking-times.js';
import type { ClockWatch } from './clock-watch.js';
import type { ConfigurationCheck } from './configuration-check.js';
import { ErrandLane } from './errand-lane.js';
import type { MembershipEvents } from './membership-events.js';
import type { ErrandReply, NodeErrand, NodeFacts, NodeFault, NodeStanding, RedisNode } from './redis-node.js';
import type { RedlockSettings } from './settings.js';

/** A connection that has been silent for so long is taken for dead. */
const SILENCE_MS = 3_000;
/** A clock measured longer ago is not known any more. */
const FRESH_MS = 3_000;

export interface MemberPorts {
  readonly settings: RedlockSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: MembershipEvents;
  readonly watch: ClockWatch;
  readonly configuration: ConfigurationCheck;
  readonly terms: AdmissionTerms;
  /** What a node confirmed before that is too old to admit any node by. */
  termsNeededMs(): number;
  /** Every answer, wherever it came from. */
  answered(node: number, standing: NodeStanding, sentMs: number, receivedMs: number): void;
}

interface Order {
  readonly errand: NodeErrand;
  readonly deadlineMs: number;
  readonly answered: (reply: ErrandReply) => void;
}

/** One node as a member of the cluster: connected or not, admitted or not, and what it has to be asked next. */
export class Member {
  readonly admission: Admission;
  readonly #lane: ErrandLane;
  #facts: NodeFacts | undefined;
  #identity: string | undefined;
  #connected = false;
  #fault: NodeFault | undefined;
  /** It does not answer, or answers what it is asked with a fault, though it is connected. */
  #trouble: NodeFault | undefined;
  readonly #orders: Order[] = [];
  readonly #times: AskingTimes;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #measure = false;
  #told: 'admitted' | 'quarantined' | undefined;

  constructor(
    readonly index: number,
    readonly node: RedisNode,
    private readonly ports: MemberPorts,
  ) {
    this.admission = new Admission(ports.settings, ports.random);
    this.#lane = new ErrandLane(node, ports.clock);
    this.#times = new AskingTimes(index, ports.settings.admissionMs, ports.configuration);
  }

  /** Verified: calls are possible. */
  get connected(): boolean {
    return this.#connected;
  }

  /** The last one known. */
  get identity(): string | undefined {
    return this.#identity;
  }

  get votes(): boolean {
    return this.#connected && this.admission.admitted && !this.ports.watch.suspects(this.index);
  }

  /** It votes and answers. */
  get helps(): boolean {
    return this.votes && this.#trouble === undefined;
  }

  get reachable(): boolean {
    return this.#connected && this.#trouble === undefined;
  }

  /** Its clock less this server's monotonic one, where it is known well enough to go by. */
  offsetMs(nowMs: number): number | undefined {
    if (!this.#connected || this.ports.watch.suspects(this.index)) return undefined;
    return this.ports.watch.clockOf(this.index).offsetMs(nowMs, FRESH_MS);
  }

  /** True when it was not connected before. */
  verified(facts: NodeFacts): boolean {
    const { events, watch } = this.ports;
    const before = this.#facts;
    if (before !== undefined && facts.identity === before.identity && facts.evictedKeys > before.evictedKeys) {
      events.event({ kind: 'node_evicts', node: this.node.id, evictedKeys: facts.evictedKeys });
    }
    this.#facts = facts;
    if (this.#identity !== facts.identity) {
      this.#identity = facts.identity;
      this.admission.begin();
      watch.forget(this.index);
    }
    if (this.#connected) return false;
    this.#connected = true;
    this.#trouble = undefined;
    this.#fault = undefined;
    this.#answeredMs = this.ports.clock.nowMs();
    events.event({ kind: 'node_up', node: this.node.id, version: facts.version });
    return true;
  }

  down(fault: NodeFault): void {
    this.#connected = false;
    this.#trouble = undefined;
    this.#fault = fault;
    this.#told = undefined;
    this.#abandon(fault);
    this.ports.events.event({ kind: 'node_down', node: this.node.id, fault });
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#connected = false;
    this.#abandon({ kind: 'unreachable', message: 'is not used any more' });
  }

  /** Any answer of the node to any call. */
  seen(standing: NodeStanding, receivedMs: number): void {
    this.#answeredMs = Math.max(this.#answeredMs, receivedMs);
    if (this.#trouble !== undefined) {
      this.#trouble = undefined;
      this.ports.events.event({ kind: 'node_up', node: this.node.id, version: this.#facts?.version ?? '' });
    }
    this.admission.seen(standing);
    this.#tell(receivedMs);
  }

  /** A call that will be answered shows as well as a pulse that the node's bookkeeping was read. */
  asked(sentMs: number): void {
    this.#times.asked(sentMs);
  }

  /** Its time is wanted as soon as it can be asked. */
  measure(): void {
    this.#measure = true;
    this.pump(Number.POSITIVE_INFINITY);
  }

  /** Its clock has moved, so that it may have forgotten what it should know. */
  distrust(): void {
    this.admission.distrust();
    this.#told = undefined;
    this.pump(Number.POSITIVE_INFINITY);
  }

  /** Asks it something on somebody's behalf, when nothing else is under way. */
  order(errand: NodeErrand, deadlineMs: number): Promise<ErrandReply> {
    if (!this.#connected) return Promise.resolve({ kind: 'fault', fault: this.#absence() });
    return new Promise((resolve) => {
      this.#orders.push({ errand, deadlineMs, answered: resolve });
      this.pump(Number.POSITIVE_INFINITY);
    });
  }

  /** Asks what is to be asked; a pulse if nothing was asked for `paceMs`. */
  pump(paceMs: number): void {
    if (!this.#connected) return;
    const nowMs = this.ports.clock.nowMs();
    const sentMs = this.#lane.sentMs;
    if (sentMs !== undefined) {
      if (nowMs - Math.max(sentMs, this.#answeredMs) >= SILENCE_MS) this.#giveUp();
      return;
    }
    const order = this.#orders.shift();
    if (order !== undefined) {
      this.#send(order.errand, order.deadlineMs, order.answered);
      return;
    }
    const errand = this.#next(nowMs, paceMs);
    if (errand !== undefined) this.#send(errand, this.ports.settings.nodeDeadlineMs);
  }

  /** Why it does not help, to be read after its name; `undefined` where it does. */
  problem(): string | undefined {
    const nowMs = this.ports.clock.nowMs();
    if (!this.reachable) return this.#absence().message;
    if (this.ports.watch.suspects(this.index)) return 'is being checked: its clock seems to have moved';
    if (this.votes) return undefined;
    if (this.ports.configuration.conflicts(this.index)) return 'belongs to another configuration';
    const leftMs = this.admission.leftMs(nowMs, this.ports.terms.greatestTtlMs);
    return leftMs === undefined ? 'is being checked' : `is quarantined for another ${Math.ceil(leftMs / 1_000)} s`;
  }

  report(address: string, medianOffsetMs: number | undefined): NodeReport {
    const nowMs = this.ports.clock.nowMs();
    const offsetMs = this.offsetMs(nowMs);
    const known = offsetMs !== undefined && medianOffsetMs !== undefined;
    return {
      id: this.node.id,
      address,
      state: this.#state(),
      detail: this.problem() ?? '',
      quarantineLeftMs: this.reachable ? this.admission.leftMs(nowMs, this.ports.terms.greatestTtlMs) : undefined,
      version: this.#facts?.version ?? '',
      clockOffsetMs: known ? offsetMs - medianOffsetMs : undefined,
      roundTripMs: this.ports.watch.clockOf(this.index).roundTripMs,
    };
  }

  #state(): NodeReport['state'] {
    if (!this.reachable) return (this.#trouble ?? this.#fault) === undefined ? 'connecting' : 'unavailable';
    return this.votes ? 'admitted' : 'quarantined';
  }

  #absence(): NodeFault {
    return this.#trouble ?? this.#fault ?? { kind: 'unreachable', message: 'is not connected yet' };
  }

  #timedOut(): NodeFault {
    return { kind: 'timed_out', message: `timed out after ${this.ports.settings.nodeDeadlineMs} ms` };
  }

  #next(nowMs: number, paceMs: number): NodeErrand | undefined {
    if (this.admission.distrusted) return this.admission.next(nowMs, this.ports.terms);
    if (this.#times.takeConfirm(nowMs, this.ports.termsNeededMs())) {
      const { configuration, maxTtlMs } = this.ports.settings;
      return { kind: 'confirm', configuration, maxTtlMs };
    }
    const agrees = this.ports.configuration.confirmedMs(this.index) !== undefined;
    const step = agrees ? this.admission.next(nowMs, this.ports.terms) : undefined;
    if (step !== undefined) return step;
    return this.#times.takePulse(nowMs, this.#measure ? 0 : paceMs) ? { kind: 'pulse' } : undefined;
  }

  #send(errand: NodeErrand, deadlineMs: number, ordered?: (reply: ErrandReply) => void): void {
    this.#measure = false;
    const nowMs = this.ports.clock.nowMs();
    this.asked(nowMs);
    const take = (reply: ErrandReply, sentMs: number, receivedMs: number): void => {
      if (reply.kind === 'done') this.#take(reply, sentMs, receivedMs);
      else if (ordered === undefined) this.#isInTrouble(reply.fault);
      ordered?.(reply);
      if (reply.kind === 'done') this.pump(Number.POSITIVE_INFINITY);
    };
    this.#lane.send(errand, deadlineMs, take, () => this.#fellSilent());
  }

  #take({ outcome, standing }: Extract<ErrandReply, { kind: 'done' }>, sentMs: number, receivedMs: number): void {
    if (outcome.kind === 'confirm') this.ports.configuration.confirm(this.index, outcome, standing, receivedMs);
    this.admission.done(outcome, receivedMs);
    this.ports.answered(this.index, standing, sentMs, receivedMs);
  }

  #fellSilent(): void {
    const { sentMs } = this.#lane;
    if (sentMs === undefined || this.#answeredMs <= sentMs) this.#isInTrouble(this.#timedOut());
  }

  #isInTrouble(fault: NodeFault): void {
    if (!this.#connected || this.#trouble !== undefined) return;
    this.#trouble = fault;
    this.#told = undefined;
    this.ports.events.event({ kind: 'node_down', node: this.node.id, fault });
  }

  #giveUp(): void {
    this.#connected = false;
    this.#trouble = this.#timedOut();
    this.#abandon(this.#trouble);
    this.node.reconnect();
  }

  #abandon(fault: NodeFault): void {
    this.#lane.abandon();
    for (const { answered } of this.#orders.splice(0)) answered({ kind: 'fault', fault });
  }

  #tell(nowMs: number): void {
    const leftMs = this.admission.leftMs(nowMs, this.ports.terms.greatestTtlMs);
    const now = this.admission.admitted ? 'admitted' : leftMs === undefined ? undefined : 'quarantined';
    if (now === undefined || now === this.#told) return;
    this.#told = now;
    const { events } = this.ports;
    if (now === 'admitted') events.event({ kind: 'node_admitted', node: this.node.id });
    else events.event({ kind: 'node_quarantined', node: this.node.id, leftMs: leftMs ?? 0 });
  }
}
