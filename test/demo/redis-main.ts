/** Five Redis processes that know nothing of each other, and end with this one. */
import { startRedisServers } from '../support/redis-server.js';
import type { RedisEvent, RedisOrder } from './redis-protocol.js';

const NODES = 5;

const say = (event: RedisEvent): void => void process.send?.(event);

process.on('disconnect', () => process.exit());
const servers = new Map((await startRedisServers(NODES)).map((server, index) => [`redis-${index + 1}`, server]));
process.on('message', async ({ id }: RedisOrder) => {
  await servers.get(id)?.kill();
  say({ kind: 'killed', id });
});
say({ kind: 'ready', nodes: [...servers].map(([id, { url, pid }]) => ({ id, url, pid })) });
