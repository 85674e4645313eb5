import type { Clock, StoreNodes, Timer } from '../core/ports.js';
import type { Logger } from '../telemetry/logger.js';
import { type NodeSummary, summaryOf } from './node-summary.js';

/** How soon a change is seen. Nothing is decided by it: the store itself knows at once. */
const LOOK_MS = 250;

export interface NodeWatchPorts {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Pick<Logger, 'log'>;
  /** Enough nodes vote, or do no more. Told first when that is known. */
  readonly onGrantable: (grantable: boolean) => void;
}

/** Looks at the nodes of a store all the time, and tells whether enough of them vote. */
export class NodeWatch {
  #grantable: boolean | undefined;
  #timer: Timer | undefined;
  #lookers: (() => void)[] = [];

  constructor(
    private readonly nodes: StoreNodes,
    private readonly ports: NodeWatchPorts,
  ) {
    this.#look();
  }

  summary(): NodeSummary {
    return summaryOf(this.nodes.report(), this.nodes.quorum);
  }

  /** Resolves when something is known of every node, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    let late = false;
    const timer = this.ports.clock.after(limitMs, () => {
      late = true;
    });
    while (!late && this.nodes.report().some(({ state }) => state === 'connecting')) {
      await new Promise<void>((resolve) => this.#lookers.push(resolve));
    }
    timer.cancel();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    this.#judge(this.summary());
    const lookers = this.#lookers;
    this.#lookers = [];
    for (const looked of lookers) looked();
    this.#timer = this.ports.clock.after(LOOK_MS, () => this.#look());
  }

  #judge({ grantable, voting, quorum, text }: NodeSummary): void {
    if (grantable === this.#grantable) return;
    const first = this.#grantable === undefined;
    this.#grantable = grantable;
    if (grantable) this.ports.logger.log('quorum_reached', { voting, quorum });
    // At the start nothing is lost: who is waited for is said when the server is ready.
    else if (!first) this.ports.logger.log('quorum_lost', { voting, quorum, cause: text });
    this.ports.onGrantable(grantable);
  }
}
