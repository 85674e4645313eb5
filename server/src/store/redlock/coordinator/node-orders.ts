import { type ResourceKey, resourceParts } from '../../../core/names.js';
import type { NodeReport, NodesOutcome, StoreNodes } from '../../../core/ports.js';
import type { Coordinator } from './coordinator.js';
import type { Membership } from './membership.js';
import type { ForgetVote } from './redis-node.js';

/** Forget whatever stands there, however short its time. */
const ALWAYS = -1;

/** What operators can see of the nodes and order them to do. */
export class NodeOrders implements StoreNodes {
  readonly quorum: number;

  constructor(
    private readonly membership: Membership,
    private readonly coordinator: Coordinator,
  ) {
    this.quorum = membership.quorum;
  }

  obstacle(): string | undefined {
    return this.membership.obstacle();
  }

  report(): readonly NodeReport[] {
    return this.membership.report();
  }

  declareNew(): Promise<NodesOutcome> {
    return this.membership.declareNew();
  }

  reset(nodeId: string): Promise<NodesOutcome> {
    return this.membership.reset(nodeId);
  }

  async forget(resource: ResourceKey, always: boolean): Promise<NodesOutcome> {
    const { keys } = this.coordinator;
    const problem = keys.problemOf(resource, keys.keyOf(resource));
    if (problem !== undefined) return { kind: 'refused', message: problem };
    const longerThanMs = always ? ALWAYS : await this.#longestStandMs();
    if (longerThanMs === undefined) {
      const message = 'not enough nodes have said how long the leases of other servers may last';
      return { kind: 'refused', message: `${message}: ${this.membership.obstacle() ?? 'try again'}` };
    }
    return new Promise((resolve) => {
      this.coordinator.forget(resource, longerThanMs, (answers, absences) => {
        resolve(this.#outcome(resource, answers, absences));
      });
    });
  }

  /** What any server may have granted counts, not this one's own limit. */
  async #longestStandMs(): Promise<number | undefined> {
    const ttlMs = await this.membership.greatestTtlNow();
    return ttlMs === undefined ? undefined : this.coordinator.standMs(ttlMs);
  }

  #outcome(
    resource: ResourceKey,
    answers: readonly (ForgetVote | undefined)[],
    absences: readonly string[],
  ): NodesOutcome {
    const { name } = resourceParts(resource);
    const count = (kind: ForgetVote['kind']): number => answers.filter((answer) => answer?.kind === kind).length;
    const unheard = absences.length === 0 ? '' : `; not asked: ${absences.join(', ')}`;
    const kept = answers.find((answer) => answer?.kind === 'kept');
    if (count('forgotten') > 0) {
      const message = `${name} was forgotten by ${count('forgotten')} of ${this.membership.size} nodes${unheard}`;
      return { kind: 'done', message };
    }
    if (kept?.kind === 'kept') {
      const left = `it ends by itself within ${Math.ceil(kept.expiresInMs / 1_000)} s`;
      return { kind: 'refused', message: `${name} may be a lease somebody relies on: ${left}${unheard}` };
    }
    return { kind: 'refused', message: `no node has a lock of ${name}${unheard}` };
  }
}
