import type { Clock, StoreNodes, Timer } from '../core/ports.js';
import type { Logger } from '../telemetry/logger.js';
import { type NodeSummary, summaryOf } from './node-summary.js';

/** How soon a change is seen. Nothing is decided by it: the store itself knows at once. */
const LOOK_MS = 250;

export interface NodeWatchPorts {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Pick<Logger, 'log'>;
  /** Leases can be granted, or can no more. Told at once, and then every change. */
  readonly onGrantable: (grantable: boolean) => void;
}

/** Looks at the nodes of a store all the time, and tells whether leases can be granted. */
export class NodeWatch {
  #told: boolean | undefined;
  /** The last look found something in the way. */
  #doubted = false;
  #timer: Timer | undefined;
  #lookers: (() => void)[] = [];

  constructor(
    private readonly nodes: StoreNodes,
    private readonly ports: NodeWatchPorts,
  ) {
    this.#look();
  }

  summary(): NodeSummary {
    return summaryOf(this.nodes);
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
    // The store doubts itself for a moment after every stall: what is gone at the next look is not worth telling.
    const passing = !grantable && this.#told === true && !this.#doubted;
    this.#doubted = !grantable;
    if (passing || grantable === this.#told) return;
    const { logger, onGrantable } = this.ports;
    if (grantable) logger.log('granting', { voting, quorum });
    // At the start nothing has ended yet: what is waited for is said when the server is ready.
    else if (this.#told !== undefined) logger.log('not_granting', { voting, quorum, cause: text });
    this.#told = grantable;
    onGrantable(grantable);
  }
}
