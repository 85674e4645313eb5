import type { Clock, Timer } from '../../../core/ports.js';
import type { ErrandReply, NodeErrand, RedisNode } from './redis-node.js';

/** A timer this late says that the process stood still: the answer may be waiting in a buffer. */
const LATE_MS = 50;

export type ErrandAnswered = (reply: ErrandReply, sentMs: number, receivedMs: number) => void;

interface UnderWay {
  readonly sentMs: number;
  readonly answered: ErrandAnswered;
  deadline: Timer | undefined;
}

/** The errands to one node: at most one is under way, so that a node that hangs has one to answer, not a queue. */
export class ErrandLane {
  #underWay: UnderWay | undefined;

  constructor(
    private readonly node: RedisNode,
    private readonly clock: Pick<Clock, 'nowMs' | 'after'>,
  ) {}

  get idle(): boolean {
    return this.#underWay === undefined;
  }

  /** When what is under way was sent. */
  get sentMs(): number | undefined {
    return this.#underWay?.sentMs;
  }

  /**
   * `overdue` is called once if there is no answer within `deadlineMs`; the answer is taken whenever it comes, unless the
   * errand is abandoned before. Only while idle.
   */
  send(errand: NodeErrand, deadlineMs: number, answered: ErrandAnswered, overdue: () => void): void {
    const underWay: UnderWay = { sentMs: this.clock.nowMs(), answered, deadline: undefined };
    this.#underWay = underWay;
    this.node.errand(errand, (reply) => this.#take(underWay, reply));
    if (this.#underWay === underWay) this.#arm(underWay, deadlineMs, overdue);
  }

  /** The connection is given up: no answer will come, and none is taken. */
  abandon(): void {
    const underWay = this.#underWay;
    if (underWay === undefined) return;
    this.#take(underWay, { kind: 'fault', fault: { kind: 'unreachable', message: 'lost its connection' } });
  }

  #take(underWay: UnderWay, reply: ErrandReply): void {
    if (this.#underWay !== underWay) return;
    this.#underWay = undefined;
    underWay.deadline?.cancel();
    underWay.answered(reply, underWay.sentMs, this.clock.nowMs());
  }

  #arm(underWay: UnderWay, deadlineMs: number, overdue: () => void): void {
    const dueMs = this.clock.nowMs() + deadlineMs;
    underWay.deadline = this.clock.after(deadlineMs, () => {
      if (this.clock.nowMs() - dueMs > LATE_MS) this.#arm(underWay, deadlineMs, overdue);
      else overdue();
    });
  }
}
