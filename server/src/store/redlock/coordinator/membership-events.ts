import type { SelfSuspicion } from './clock-watch.js';
import type { NodeFault, NodeId } from './redis-node.js';

/** What becomes of the nodes, for the log and the metrics. */
export type MembershipEvent =
  | { readonly kind: 'node_up'; readonly node: NodeId; readonly version: string }
  | { readonly kind: 'node_down'; readonly node: NodeId; readonly fault: NodeFault }
  | { readonly kind: 'node_admitted'; readonly node: NodeId }
  | { readonly kind: 'node_quarantined'; readonly node: NodeId; readonly leftMs: number }
  /** It has thrown keys away for want of memory: what it promised may be gone. */
  | { readonly kind: 'node_evicts'; readonly node: NodeId; readonly evictedKeys: number }
  | { readonly kind: 'clock_shifted'; readonly node: NodeId; readonly byMs: number }
  /** This server's own clock, or a stall of its own, may be what made nodes look wrong. */
  | { readonly kind: 'self_suspected'; readonly why: SelfSuspicion }
  | { readonly kind: 'self_trusted' }
  | { readonly kind: 'configuration_conflict'; readonly message: string };

export interface MembershipEvents {
  event(event: MembershipEvent): void;
  /** The nodes cannot be used as they were given; the process must not go on. Told once. */
  fatal(problem: string): void;
}
