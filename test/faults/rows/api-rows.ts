import { connect, InvalidArgumentError, LeaseLostError } from '@holdfast/client';
import { listed } from '../../support/listed.js';
import { SLACK_MS, TTL_MS } from '../harness/cell.js';
import { ONE_SERVER } from '../harness/plan.js';
import { LASTING_TTL_MS, R } from './client-rows.js';
import { CROWD_ROWS } from './crowd-rows.js';
import type { PlayedRow, Row } from './row.js';
import { WAITER_ROWS } from './waiter-rows.js';

const BAD_TTLS_MS = [-1, 0, 1, Number.NaN, 2 ** 31, 2 ** 63];

const J1: PlayedRow = {
  id: 'J1',
  title: `times to live of ${BAD_TTLS_MS.join(', ')} ms`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell(ONE_SERVER);
    const client = await connect(cell.server().address);
    try {
      for (const ttlMs of BAD_TTLS_MS) {
        const error = await client.acquire(R, { ttlMs }).catch((reason: unknown) => reason);
        const isNamed = error instanceof InvalidArgumentError && /\bttl/i.test(error.message);
        stage.check('I10', `${ttlMs} ms: ${error}`, isNamed);
      }
      await (await client.acquire(R, { ttlMs: TTL_MS })).release();
    } finally {
      await client.close();
    }
    return () => `${BAD_TTLS_MS.length} refused by name, the next request served`;
  },
};

const J18: PlayedRow = {
  id: 'J18',
  title: 'an extension after the release',
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5, maxTtlMs: LASTING_TTL_MS });
    const client = await connect(cell.server().address);
    try {
      const lease = await client.acquire(R, { ttlMs: LASTING_TTL_MS, autoExtend: false });
      await lease.extend();
      const released = lease.release();
      const error = await lease.extend().catch((reason: unknown) => reason);
      stage.check('S4', `the extension ended with ${error}`, error instanceof LeaseLostError);
      await released;
      const left = await listed(cell.server().address);
      stage.check('S4', 'it stands again', left.length === 0);
    } finally {
      await client.close();
    }
    await stage.noLocksLeft([R], SLACK_MS, LASTING_TTL_MS);
    return () => 'LeaseLostError, 0 keys left';
  },
};

export const API_ROWS: readonly Row[] = [J1, WAITER_ROWS.J12, CROWD_ROWS.J15, WAITER_ROWS.J16, J18];
