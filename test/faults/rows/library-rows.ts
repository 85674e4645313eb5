import { connect, LeaseLostError } from '@holdfast/client';
import { freeAgainMs, PATIENCE_MS, SLACK_MS, TTL_MS } from '../harness/cell.js';
import { ONE_SERVER } from '../harness/plan.js';
import { R } from './client-rows.js';
import { type PlayedRow, seconds } from './row.js';

const A7: PlayedRow = {
  id: 'A7',
  title: 'what is done under the lease throws or never ends, and a disposal cannot reach the server',
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5 });
    const client = await connect(cell.server().address, { maxBackoffMs: 100 });
    try {
      const boom = new Error('boom');
      const thrown = await client
        .using(R, { ttlMs: TTL_MS }, () => Promise.reject(boom))
        .catch((error: unknown) => error);
      stage.check('A7', `rejected with ${thrown}`, thrown === boom);
      await stage.noLocksLeft([R], TTL_MS / 2, TTL_MS);
      const endless = client
        .using(R, { ttlMs: TTL_MS }, () => new Promise(() => undefined))
        .catch((error: unknown) => error);
      const disposed = await client.acquire('other', { ttlMs: TTL_MS, waitMs: PATIENCE_MS });
      await cell.server().kill();
      const startMs = performance.now();
      await disposed[Symbol.asyncDispose]();
      const tookMs = performance.now() - startMs;
      stage.check('A7', `the disposal took ${seconds(tookMs)}`, tookMs < TTL_MS + SLACK_MS);
      const ended = await endless;
      stage.check('A7', `what never ends ended with ${ended}`, ended instanceof LeaseLostError);
      return () => `the error as it was thrown, 0 keys left; a disposal without a server took ${seconds(tookMs)}`;
    } finally {
      await client.close();
    }
  },
};

const HOARD = 10_000;
const HOARD_TTL_MS = 20_000;
const LAG_MS = 100;

const A11: PlayedRow = {
  id: 'A11',
  title: `a client with ${HOARD} leases is killed`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, clients: 1, maxTtlMs: HOARD_TTL_MS });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    await client.hoard(HOARD, HOARD_TTL_MS);
    await client.kill();
    const idleUntil = performance.now();
    let lagMs = 0;
    await stage.soon('L3', 'all leases gone', freeAgainMs(HOARD_TTL_MS) + SLACK_MS, async () => {
      const delay = await cell.metric('holdfast_event_loop_delay_seconds\\{quantile="0.5"\\}');
      lagMs = Math.max(lagMs, 1_000 * delay);
      return (await cell.metric('holdfast_leases')) === 0;
    });
    const tookMs = performance.now() - idleUntil;
    stage.check('A11', `half of the turns were late by ${lagMs} ms`, lagMs < LAG_MS);
    const gauges = await Promise.all(['waiters', 'streams'].map((each) => cell.metric(`holdfast_${each}`)));
    stage.check(
      'I7',
      `waiters and streams left: ${gauges}`,
      gauges.every((gauge) => gauge === 0),
    );
    return () => `all gone after ${seconds(tookMs)} (TTL 20 s), 0 waiters, 0 streams`;
  },
};

export const LIBRARY_ROWS = { A7, A11 };
