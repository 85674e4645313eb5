import { mkdir, rm } from 'node:fs/promises';
import { eventually } from '../deadline.js';
import type { RedisServer } from '../redis-server.js';

/** What a node may suffer from without having lost anything. */
export const UNFITNESSES = [
  /** It has all the memory it may have. */
  'full',
  /** It may throw keys away. */
  'evicting',
  /** Its disk takes nothing, so that it takes no writes. Needs `enable-protected-configs yes`. */
  'unable_to_save',
  'replica',
  /** Its user may not run scripts. */
  'without_rights',
  /** It takes no more connections, and has ended those there were. */
  'without_clients',
] as const;
export type Unfitness = (typeof UNFITNESSES)[number];

const SAVED_WITHIN_MS = 10_000;
const MOST_CLIENTS = '10000';

/** Makes a node unfit for use; the test's own connection to it goes on. */
export async function makeUnfit({ client, directory }: RedisServer, how: Unfitness): Promise<void> {
  switch (how) {
    case 'full':
      await client.config('SET', 'maxmemory', '1');
      return;
    case 'evicting':
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      return;
    case 'unable_to_save':
      // As on a full disk: a snapshot fails, and Redis takes no writes until one succeeds.
      await client.config('SET', 'save', '3600 1');
      await rm(directory, { recursive: true });
      await client.bgsave();
      return saved(client, 'err');
    case 'replica':
      await client.replicaof('127.0.0.1', 1);
      return;
    case 'without_rights':
      await client.acl('SETUSER', 'default', '-evalsha');
      return;
    case 'without_clients':
      await client.config('SET', 'maxclients', '1');
      await client.call('CLIENT', 'KILL', 'SKIPME', 'yes');
      return;
  }
}

/** Undoes that. */
export async function makeFit({ client, directory }: RedisServer, after: Unfitness): Promise<void> {
  switch (after) {
    case 'full':
      await client.config('SET', 'maxmemory', '0');
      return;
    case 'evicting':
      await client.config('SET', 'maxmemory-policy', 'noeviction');
      return;
    case 'unable_to_save':
      await mkdir(directory);
      await client.config('SET', 'dir', directory);
      await client.bgsave();
      return saved(client, 'ok');
    case 'replica':
      await client.replicaof('NO', 'ONE');
      return;
    case 'without_rights':
      await client.acl('SETUSER', 'default', '+evalsha');
      return;
    case 'without_clients':
      await client.config('SET', 'maxclients', MOST_CLIENTS);
      return;
  }
}

async function saved(client: RedisServer['client'], status: 'ok' | 'err'): Promise<void> {
  await eventually(SAVED_WITHIN_MS, `the last snapshot ${status}`, async () => {
    const info = await client.info('persistence');
    return info.includes(`rdb_last_bgsave_status:${status}`) || undefined;
  });
}
