import type { Redis } from 'ioredis';
import type { Driver, HeldLock, LockClient } from './driver.js';
import { connectToNodes, disconnect } from './redis-clients.js';

/** Time to live of every lock; longer than any of them is held. */
export const LIBRARY_TTL_MS = 30_000;
/** How long a library tries to get a lock, as long as our client waits for one. */
export const LIBRARY_PATIENCE_MS = 60_000;
/** Between two tries of one client to get a lock that is held. */
export const LIBRARY_RETRY_MS = 20;

/** A Redlock library as its users have it: an object over clients of all nodes that makes locks. */
export type Locking = (nodes: readonly Redis[]) => (name: string) => Promise<HeldLock>;

/**
 * A Redlock library in the generator's process, on ioredis. Commands of one turn go out together (`enableAutoPipelining`)
 * when many requests are under way, which nearly doubles what both libraries do then, and not otherwise, where it delays
 * each command. Contenders share the connections: the nodes then see their requests in one order, so that votes are not
 * split.
 */
export function libraryDriver(target: string, locking: Locking): Driver {
  const connect = async (inFlight: number): Promise<LockClient> => {
    const nodes = await connectToNodes(target, inFlight > 1);
    return { acquire: locking(nodes), close: async () => disconnect(nodes) };
  };
  return {
    connect,
    contenders: async (count) => {
      const nodes = await connectToNodes(target, false);
      let open = count;
      const close = async (): Promise<void> => {
        open -= 1;
        if (open === 0) disconnect(nodes);
      };
      return Array.from({ length: count }, () => ({ acquire: locking(nodes), close }));
    },
  };
}
