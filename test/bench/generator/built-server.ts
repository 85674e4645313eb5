import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from '../project-files.js';

type Source = typeof import('../../../server/src/store/redlock/coordinator/redis-node.js') &
  typeof import('../../../server/src/store/redlock/node/ioredis-node.js') &
  typeof import('../../../server/src/process/system-clock.js') &
  typeof import('../../../server/src/process/system-random.js');

/** Parts of the built server that the benchmark uses without the server. */
export type BuiltServer = Pick<Source, 'lockValue' | 'IoredisNode' | 'systemClock' | 'systemRandom'>;

const BUILT = join(PROJECT, 'server/dist');
const MODULES = [
  'store/redlock/coordinator/redis-node.js',
  'store/redlock/node/ioredis-node.js',
  'process/system-clock.js',
  'process/system-random.js',
];

export async function loadBuiltServer(): Promise<BuiltServer> {
  const modules = await Promise.all(MODULES.map((file) => import(pathToFileURL(join(BUILT, file)).href)));
  return Object.assign({}, ...modules);
}
