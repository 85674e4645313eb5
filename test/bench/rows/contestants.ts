import type { BenchContext } from '../bench-context.js';
import { prepareEtcd } from '../systems/etcd-server.js';
import { prepareHoldfastOnRedis } from '../systems/holdfast-on-redis.js';
import { prepareHoldfast } from '../systems/holdfast-server.js';
import { prepareBareNodes } from '../systems/redis-nodes.js';
import type { DriverName, PreparedSystem, Presence } from '../systems/system.js';

/** A system and the way it is used. */
export interface Contestant {
  readonly driver: DriverName;
  prepare(): Promise<PreparedSystem>;
  /** Whether what it needs is on this machine. */
  presence(context: BenchContext): Presence;
}

export const EMBEDDED: Contestant = {
  driver: 'holdfast',
  prepare: () => prepareHoldfast(),
  presence: () => ({ kind: 'present', version: 'built' }),
};

export const ON_ETCD: Contestant = { driver: 'etcd', prepare: prepareEtcd, presence: ({ etcd }) => etcd };

export const ON_REDIS: Contestant = {
  driver: 'holdfast',
  prepare: prepareHoldfastOnRedis,
  presence: ({ redis }) => redis,
};

/** No server: everything happens in the client's process, on five nodes of its own. */
export function onBareNodes(driver: 'node-redlock' | 'redis-semaphore' | 'batched-scripts'): Contestant {
  return { driver, prepare: prepareBareNodes, presence: ({ redis }) => redis };
}
