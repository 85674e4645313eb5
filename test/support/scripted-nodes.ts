import { resourceParts } from '../../server/src/core/names.js';
import type { NodeReport, NodesOutcome, StoreNodes } from '../../server/src/core/ports.js';

/** A node that votes, unless told otherwise. */
export function nodeReport(differs: Partial<NodeReport> = {}): NodeReport {
  return {
    id: 'redis-1',
    address: 'redis://10.0.0.1:6379',
    state: 'admitted',
    detail: '',
    quarantineLeftMs: undefined,
    version: 'redis 7.0.15',
    clockOffsetMs: 0.125,
    roundTripMs: 0.5,
    ...differs,
  };
}

/** Nodes of a store that are as the test says, do what it says, and remember what they were ordered. */
export class ScriptedNodes implements StoreNodes {
  readonly orders: string[] = [];
  outcome: NodesOutcome = { kind: 'done', message: 'it was done' };
  /** Something besides nodes that do not vote. */
  doubt: string | undefined;

  constructor(
    public reports: readonly NodeReport[],
    readonly quorum: number,
  ) {}

  obstacle(): string | undefined {
    const voting = this.reports.filter(({ state }) => state === 'admitted').length;
    return voting < this.quorum ? 'too few nodes vote' : this.doubt;
  }

  report(): readonly NodeReport[] {
    return this.reports;
  }

  declareNew(): Promise<NodesOutcome> {
    return this.#ordered('declareNew');
  }

  reset(nodeId: string): Promise<NodesOutcome> {
    return this.#ordered(`reset ${nodeId}`);
  }

  forget(...[resource, always]: Parameters<StoreNodes['forget']>): Promise<NodesOutcome> {
    const { namespace, name } = resourceParts(resource);
    return this.#ordered(`forget ${namespace} ${name} ${always}`);
  }

  #ordered(order: string): Promise<NodesOutcome> {
    this.orders.push(order);
    return Promise.resolve(this.outcome);
  }
}
