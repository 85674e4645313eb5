import type { DriverName } from '../systems/system.js';
import type { Driver } from './driver.js';

/** Loads a driver, and nothing of the others: a generator's memory and start are its own system's. */
export async function openDriver(name: DriverName, target: string): Promise<Driver> {
  switch (name) {
    case 'holdfast':
      return (await import('./holdfast-driver.js')).holdfastDriver(target);
    case 'etcd':
      return (await import('./etcd-driver.js')).etcdDriver(target);
    case 'node-redlock':
      return (await import('./node-redlock-driver.js')).nodeRedlockDriver(target);
    case 'redis-semaphore':
      return (await import('./redis-semaphore-driver.js')).redisSemaphoreDriver(target);
    case 'batched-scripts':
      return (await import('./batched-scripts-driver.js')).batchedScriptsDriver(target);
  }
}
