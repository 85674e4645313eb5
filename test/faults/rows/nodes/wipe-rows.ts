import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import { type Cell, PATIENCE_MS } from '../../harness/cell.js';
import { NO_PUTTING_BACK, NO_QUARANTINE } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { heldByThree, LONG_TTL_MS, R, SMALL } from '../scenes.js';

export const C5: PlayedRow = {
  id: 'C5',
  title: 'a node restarts empty while a lease stands on it and two others; another server reaches it and the other two',
  kind: 'played',
  control: NO_QUARANTINE,
  play: async (stage) => {
    const { afterMs } = await heldByThree(stage, {}, (cell) => cell.redis(3).restart({ empty: true }));
    return (figures) => `next grant ${seconds(afterMs)} after the wipe; ${measured(figures)}`;
  },
};

async function isEverywhere(cell: Cell, token: string): Promise<true | undefined> {
  const values = await cell.locks(R);
  return values.every((value) => value?.endsWith(`:${token}`) === true) ? true : undefined;
}

export const C9: PlayedRow = {
  id: 'C9',
  title: 'FLUSHALL on one node, on two, then on three of five, under a lease that another server’s client waits for',
  kind: 'played',
  control: NO_QUARANTINE,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LONG_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    const { token } = await holder.acquire(R, LONG_TTL_MS, PATIENCE_MS);
    const granted = other.acquire(R, LONG_TTL_MS, 6 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [2]);
    const flush = (...nodes: readonly number[]) => Promise.all(nodes.map((node) => cell.redis(node).client.flushall()));
    for (const nodes of [[3], [1, 2]]) {
      await flush(...nodes);
      await eventually(PATIENCE_MS, 'the lease put back', () => isEverywhere(cell, token));
      stage.check('I11', `${nodes.length} flushed cost the lease`, await holder.mayWrite(R));
    }
    const flushedUs = nowUs();
    await flush(1, 2, 4);
    const next = await granted;
    const afterMs = (next.atUs - flushedUs) / 1_000;
    await other.release(R);
    return (figures) => `one, and two: put back; three: next grant ${seconds(afterMs)} after; ${measured(figures)}`;
  },
};

export const C22: PlayedRow = {
  id: 'C22',
  title: 'five empty restarts, one node after another with its quarantine between, under one lease',
  kind: 'played',
  control: { ...NO_PUTTING_BACK, breaks: /^I11: the lease was lost at node/ },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 1, maxTtlMs: LONG_TTL_MS });
    const holder = cell.client(1);
    await holder.connect(cell.server().address);
    const { token, atUs } = await holder.acquire(R, LONG_TTL_MS, PATIENCE_MS);
    for (const number of [1, 2, 3, 4, 5]) {
      await cell.redis(number).restart({ empty: true });
      await cell.admitted(number, cell.quarantineMs + PATIENCE_MS);
      const isKept = await holder.mayWrite(R);
      stage.check('I11', `the lease was lost at node ${number}`, isKept);
      if (!isKept) return measured;
    }
    await stage.soon(
      'I11',
      'the lease at every node',
      PATIENCE_MS,
      async () => (await isEverywhere(cell, token)) === true,
    );
    const heldMs = (nowUs() - atUs) / 1_000;
    await holder.release(R);
    return (figures) => `held ${seconds(heldMs)} with one token; ${measured(figures)}`;
  },
};
