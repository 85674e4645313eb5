import type { Clock, Random } from '../../core/ports.js';
import { type ClusterTerms, termsHash } from './cluster-configuration.js';
import type { MembershipEvents } from './coordinator/membership-events.js';
import { nodeCountProblem } from './coordinator/quorum.js';
import type { RedisNode } from './coordinator/redis-node.js';
import { RedlockStore } from './coordinator/redlock-store.js';
import type { RedlockSettings } from './coordinator/settings.js';
import { IoredisNode } from './node/ioredis-node.js';
import type { NodeAddress, NodeTls } from './node/node-address.js';
import { type NodeCounts, ObservedNode } from './observed-node.js';

// What the process around a store sees of its nodes.
export type { MembershipEvent } from './coordinator/membership-events.js';
export { quorum } from './coordinator/quorum.js';
export type { NodeFacts, RedisNode } from './coordinator/redis-node.js';

/** G: long beside the window, short beside what a thousand new names a second would fill. */
const BALLOT_MS = 10 * 60_000;
/** A. */
const ADMISSION_MS = 5 * 60_000;
/** Of a cluster whose configuration was never changed. */
const FIRST_GENERATION = 1;

/** How a server takes part in a cluster of Redis nodes. Durations in milliseconds. */
export interface RedlockOptions {
  readonly nodes: readonly { readonly id: string; readonly address: NodeAddress }[];
  /** For addresses of the kind `rediss://`. */
  readonly tls: NodeTls;
  readonly clusterId: string;
  readonly keyTemplate: string;
  readonly windowMs: number;
  readonly nodeDeadlineMs: number;
  /** The longest lease of this server … */
  readonly maxTtlMs: number;
  /** … and of clients that share its keys. */
  readonly foreignMaxTtlMs: number;
  readonly clockRateDrift: number;
  readonly clockMarginMs: number;
  /** Tells this process from other servers. */
  readonly serverId: string;
  readonly clock: Clock;
  readonly random: Random;
}

export interface OpenRedlockStoreOptions extends RedlockOptions {
  readonly counts: NodeCounts;
  readonly events: MembershipEvents;
}

/**
 * Makes the store and begins to connect. It answers at once, and grants when enough nodes have admitted it. Throws a
 * `RangeError` for a number of nodes that is of no use; the configuration refuses it before.
 */
export function openRedlockStore(options: OpenRedlockStoreOptions): RedlockStore {
  const { clock, random, counts, events } = options;
  const problem = nodeCountProblem(options.nodes.length);
  if (problem !== undefined) throw new RangeError(`the store ${problem}`);
  const nodes = redisNodes(options).map((node) => new ObservedNode(node, counts));
  const addressOf = (node: number): string => options.nodes[node]?.address.shown ?? '';
  const store = new RedlockStore(redlockSettings(options), nodes, { clock, random, events, addressOf });
  store.open();
  return store;
}

/** The nodes, in the order they were named in, not connected yet. */
export function redisNodes(options: RedlockOptions): readonly RedisNode[] {
  const { tls, clusterId, serverId, clock, random } = options;
  const shared = { tls, clusterId, serverId, settings: redlockSettings(options), clock, random };
  return options.nodes.map(({ id, address }) => new IoredisNode({ id, address, ...shared }));
}

function redlockSettings(options: RedlockOptions): RedlockSettings {
  const { windowMs, clockRateDrift, clockMarginMs, nodeDeadlineMs, keyTemplate, clusterId } = options;
  const nodeIds = options.nodes.map(({ id }) => id);
  const terms: ClusterTerms = { clusterId, nodeIds, windowMs, clockRateDrift, keyTemplate };
  return {
    clockRateDrift,
    clockMarginMs,
    windowMs,
    ballotMs: BALLOT_MS,
    admissionMs: ADMISSION_MS,
    nodeDeadlineMs,
    maxTtlMs: Math.max(options.maxTtlMs, options.foreignMaxTtlMs),
    keyTemplate,
    configuration: { hash: termsHash(terms), generation: FIRST_GENERATION },
  };
}
