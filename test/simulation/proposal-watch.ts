import type { LockValue, NodeId } from '../../server/src/store/redlock/coordinator/redis-node.js';

/**
 * What one life of a server proposes: no token twice for one lock, whoever it is for (S2). Whatever is late of the first bid could
 * be taken for a part of the second: an abort of that one, which was sent to a silent node, deletes the lease that came of this one.
 */
export class ProposalWatch {
  /** The last token that each node was asked to take for each lock. */
  readonly #last = new Map<NodeId, Map<string, string>>();

  constructor(private readonly violated: (guarantee: string, what: string, lock: string) => void) {}

  /** A bid leaves for a node, which hears of each bid once. */
  sent(node: NodeId, entries: readonly { readonly key: string; readonly value: LockValue }[]): void {
    if (entries.length === 0) return;
    const last = this.#last.get(node) ?? new Map<string, string>();
    this.#last.set(node, last);
    for (const { key, value } of entries) {
      const token = value.slice(value.lastIndexOf(':') + 1);
      if (last.get(key) === token) this.violated('S2', `token ${token} is proposed to ${node} for a second time`, key);
      last.set(key, token);
    }
  }
}
