import type { HistoryRecord } from '../../history/record.js';
import type { Edit } from '../../mutants/patch.js';
import type { Launch } from '../../support/client-process.js';
import type { RedisOptions } from '../../support/redis-server.js';

/** What a row wants. */
export interface Plan {
  /** 0: one server with the embedded store. */
  readonly nodes: 0 | 3 | 5;
  readonly servers: number;
  readonly clients: number;
  /** Default: `MAX_TTL_MS`. */
  readonly maxTtlMs?: number;
  readonly serverArgs?: readonly string[];
  readonly serverLaunch?: Launch;
  readonly clientLaunch?: Launch;
  readonly redis?: RedisOptions;
  /** For the node, or the server, of that number, from 1. */
  readonly redisEnv?: (number: number) => Readonly<Record<string, string>>;
  readonly serverEnv?: (number: number) => Readonly<Record<string, string>>;
  /** Where servers reach the nodes, and clients the servers. Default: on loopback. */
  readonly waysAt?: string;
  readonly doorsAt?: string;
  /** Cut off from these nodes from its first moment on, by the number of the server. */
  readonly apart?: (server: number) => readonly number[];
  /** Where sources are patched for the fault's own sake, in a row's control as well. */
  readonly edits?: readonly Edit[];
}

/** One server with the embedded store, and whoever comes to it. */
export const ONE_SERVER: Plan = { nodes: 0, servers: 1, clients: 0 };

/** What a run has of its own. */
export interface Surroundings {
  readonly folder: string;
  readonly record: HistoryRecord;
  /** Of processes that run without some guard. */
  readonly launch: Launch;
  readonly fenced: boolean;
  /** Whether the nodes are declared a new cluster. */
  readonly declares: boolean;
}

/** How a process is started for which there are several reasons. */
export function both(one: Launch, other: Launch = {}): Launch {
  const nodeArgs = [...(one.nodeArgs ?? []), ...(other.nodeArgs ?? [])];
  return { env: { ...one.env, ...other.env }, nodeArgs, inside: [...(one.inside ?? []), ...(other.inside ?? [])] };
}
