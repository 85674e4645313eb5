import { connect, type Lease } from '@holdfast/client';
import { eventually } from '../../support/deadline.js';
import { listed } from '../../support/listed.js';
import { PATIENCE_MS, TTL_MS } from '../harness/cell.js';
import { ONE_SERVER } from '../harness/plan.js';
import { R } from './client-rows.js';
import type { PlayedRow, Row } from './row.js';

const CROWD = 500;

const J12: Row = {
  id: 'J12',
  title: 'a thousand waiters, some of whom give up',
  kind: 'tested',
  files: ['integration/fifo.test.ts'],
  scope: 'the server in a process of its own, its clients in that of the tests',
};

const J16: PlayedRow = {
  id: 'J16',
  title: `${CROWD} wait for one resource, and it is released`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5 });
    const client = await connect(cell.server().address);
    try {
      const holder = await client.acquire(R, { ttlMs: TTL_MS });
      const granted: Lease[] = [];
      const crowd = Array.from({ length: CROWD }, () =>
        client.acquire(R, { ttlMs: TTL_MS, waitMs: 10 * PATIENCE_MS }).then(
          (lease) => void granted.push(lease),
          () => undefined,
        ),
      );
      await cell.waiting(CROWD);
      const before = await calls(cell.redis(1).client);
      await holder.release();
      await eventually(PATIENCE_MS, 'a grant', () => granted.length > 0 || undefined);
      const [lease] = await listed(cell.server().address);
      const cost = (await calls(cell.redis(1).client)) - before;
      stage.check('J16', `${granted.length} grants`, granted.length === 1);
      stage.check('J16', `${lease?.waiters} still wait`, lease?.waiters === CROWD - 1);
      stage.check('J16', `${cost} calls to a node`, cost < CROWD / 10);
      await client.close();
      await Promise.all(crowd);
      return () => `1 grant, ${CROWD - 1} wait on, ${cost} calls to each node`;
    } finally {
      await client.close();
    }
  },
};

/** Calls of scripts that a node has had. */
async function calls(redis: { info(section: string): Promise<string> }): Promise<number> {
  const count = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1];
  if (count === undefined) throw new Error('the node does not tell how many calls of scripts it has had');
  return Number(count);
}

export const WAITER_ROWS = { J12, J16 };
