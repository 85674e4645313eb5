import { eventually } from '../../../support/deadline.js';
import type { Treatment } from '../../../support/tcp-proxy.js';
import { type Cell, PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { NO_MAJORITY } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { heldEverywhere, LASTING_TTL_MS, R, reached, SMALL } from '../scenes.js';

const CUT = 'a server is cut off from three nodes';
const FAILS_WITH = ['UnavailableError', 'WaitTimeoutError'];

export const D1: PlayedRow = {
  id: 'D1',
  title:
    'a server is cut off from two nodes, then from three, under a lease that a client of the other server waits for',
  kind: 'played',
  control: { ...NO_MAJORITY, breaks: /^I10 at .* when nothing could be certain/ },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, clients: 3 });
    const [holder, alone, elsewhere] = [cell.client(1), cell.client(2), cell.client(3)];
    await Promise.all([
      holder.connect(cell.server(1).address),
      alone.connect(cell.server(1).address),
      elsewhere.connect(cell.server(2).address),
    ]);
    const { atUs } = await holder.acquire(R, TTL_MS);
    const next = elsewhere.acquire(R, TTL_MS, 3 * PATIENCE_MS);
    next.catch(() => undefined);
    cell.cut(1, 1, 2);
    await alone.acquire('with three nodes', TTL_MS, PATIENCE_MS);
    await alone.release('with three nodes');
    await reached(atUs + 1.3 * TTL_MS * 1_000);
    stage.check('I11', 'two nodes cost the holder its lease', await holder.mayWrite(R));
    cell.cut(1, 3);
    const names = ['with two nodes'];
    stage.record.add({ kind: 'fault_begins', fault: CUT, closes: { resources: names, codes: FAILS_WITH } });
    const words = await alone.refusal('with two nodes', TTL_MS);
    const saysWhy = /\b3 of 5 nodes (unreachable|did not vote): redis-1 .*, redis-2 .*, redis-3 /.test(words ?? '');
    stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, saysWhy);
    // Without a majority it goes on for as long as it likes.
    if (stage.control !== undefined) return measured;
    const lostUs = await holder.lost();
    const nextUs = (await next).atUs;
    await elsewhere.release(R);
    const withinMs = TTL_MS + 2_000 + SLACK_MS;
    stage.record.add({ kind: 'fault_ends', fault: CUT, recovers: { resources: names, withinMs } });
    const healedMs = performance.now();
    cell.heal();
    await alone.acquire('with two nodes', TTL_MS, PATIENCE_MS);
    const backMs = performance.now() - healedMs;
    return (figures) =>
      `from two: lease kept, others granted; from three: refused, let go ${seconds((nextUs - lostUs) / 1_000)} before the ` +
      `next grant; healed, granted after ${seconds(backMs)}; ${measured(figures)}`;
  },
};

const MAJORITY = [1, 2, 3];
const HOLD: Treatment = { kind: 'hold' };

/** Everything these links have held back has come to their nodes. */
async function passedOn(cell: Cell, nodes: readonly number[]): Promise<void> {
  cell.heal();
  await eventually(PATIENCE_MS, 'links that hold nothing back', () =>
    nodes.every((node) => !cell.way(1, node).holdsBack) ? true : undefined,
  );
}

export const D4: PlayedRow = {
  id: 'D4',
  title:
    'requests to three nodes are held up: they come when the bid was given up, on their connection, and after its end',
  kind: 'played',
  control: {
    without: 'what a failed bid leaves at a node against its own late request, and the nodes’ window',
    edits: [...guard('tombstone-script'), ...guard('window-script')],
    breaks: /^I6: a late request took/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 1, maxTtlMs: LASTING_TTL_MS });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    const refused = async (name: string): Promise<void> => {
      for (const node of MAJORITY) cell.way(1, node).treat('up', HOLD);
      const words = await client.refusal(name, LASTING_TTL_MS);
      stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, /timed out|not answered/.test(words ?? ''));
    };
    await refused('in order');
    await passedOn(cell, MAJORITY);
    const startMs = performance.now();
    await client.acquire('in order', LASTING_TTL_MS, PATIENCE_MS);
    const tookMs = performance.now() - startMs;
    await client.release('in order');
    await heldEverywhere(cell, 'meanwhile');
    await client.release('meanwhile');
    await refused(R);
    const late = MAJORITY.map((node) => cell.way(1, node).strand());
    cell.heal();
    // Whatever nodes were to be told before, they have been told then.
    await heldEverywhere(cell, 'afterwards');
    await client.release('afterwards');
    await Promise.all(late.map((each) => each.deliver()));
    const values = await cell.locks(R);
    stage.check(
      'I6',
      `a late request took what nobody wants any more: ${JSON.stringify(values)}`,
      values.every((value) => value === null),
    );
    await stage.noLocksLeft([R, 'in order', 'meanwhile', 'afterwards'], LASTING_TTL_MS / 3, LASTING_TTL_MS);
    return (figures) =>
      `granted to the retry after ${seconds(tookMs)}; late requests took nothing, 0 keys left; ${measured(figures)}`;
  },
};
