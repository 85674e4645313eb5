import { nowUs } from '../../../history/events.js';
import { MAX_TTL_MS, PATIENCE_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { TWO_BELIEVE } from '../../harness/stage.js';
import { NO_DELETION, NO_MAJORITY, NO_OWN_CLOCK } from '../controls.js';
import { measured, type PlayedRow, type Row, seconds } from '../row.js';
import { heldAndWaited, mustNotWrite, R, reached, SMALL, underLoad } from '../scenes.js';
import { D13 } from '../servers/storm-rows.js';
import { D8, D9 } from './broken-link-rows.js';
import { D7 } from './late-rows.js';
import { D8B, D11, D14 } from './link-rows.js';
import { LOSSY_ROWS } from './lossy-rows.js';
import { D1, D4 } from './partition-rows.js';

const LONG_TTL_MS = 30_000;

const D2: PlayedRow = {
  id: 'D2',
  title: 'two servers with different majorities, A, B, C and C, D, E, contend',
  kind: 'played',
  control: NO_MAJORITY,
  play: async (stage) => {
    const apart = (server: number): readonly number[] => (server === 1 ? [4, 5] : [1, 2]);
    const cell = await stage.cell({ ...SMALL, apart });
    const { shifts, failures } = await underLoad(stage, cell, () => reached(nowUs() + 5_000_000));
    stage.check('I11', `${failures} failures, though both have their majorities`, failures === 0);
    return (figures) => `${shifts.join(' and ')} leases, ${failures} failures; ${measured(figures)}`;
  },
};

const D3: PlayedRow = {
  id: 'D3',
  title: 'requests of a server arrive at three nodes, and the replies do not',
  kind: 'played',
  control: NO_DELETION,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 1, maxTtlMs: LONG_TTL_MS });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    for (const node of [1, 2, 3]) cell.way(1, node).treat('down', { kind: 'hold' });
    const words = await client.refusal(R, LONG_TTL_MS);
    stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, /timed out|not answered/.test(words ?? ''));
    cell.heal();
    const freeMs = await stage.soon('I6', 'all keys freed', LONG_TTL_MS / 3, async () =>
      (await cell.locks(R)).every((value) => value === null),
    );
    await client.acquire(R, LONG_TTL_MS, PATIENCE_MS);
    await client.release(R);
    return (figures) => `all keys freed after ${seconds(freeMs)}, and granted to the retry; ${measured(figures)}`;
  },
};

const D5: PlayedRow = {
  id: 'D5',
  title: 'the holder is cut off from its servers, which reach their nodes',
  kind: 'played',
  control: NO_OWN_CLOCK,
  play: async (stage) => {
    const { cell, holder, waiter, granted } = await heldAndWaited(stage);
    for (const door of [1, 2]) {
      cell.door(door).treat('up', { kind: 'swallow' });
      cell.door(door).treat('down', { kind: 'swallow' });
    }
    const next = await granted;
    const mayWrite = await mustNotWrite(stage, cell, holder.write(R, cell.resource.address, 'late'));
    const lostMs = mayWrite ? 0 : (next.atUs - (await holder.lost())) / 1_000;
    await waiter.release(R);
    return (figures) => `let go ${seconds(lostMs)} before the next grant; ${measured(figures)}`;
  },
};

const D6: PlayedRow = {
  id: 'D6',
  title: 'the holder is not heard any more, while extensions it was sent earlier go on arriving',
  kind: 'played',
  control: { without: 'the anchor of an extension', edits: guard('client-anchor'), breaks: TWO_BELIEVE },
  play: async (stage) => {
    const { cell, holder, waiter, granted } = await heldAndWaited(stage, { ...SMALL, servers: 1 }, MAX_TTL_MS);
    const door = cell.door();
    // What the client hears of is always as old as this.
    door.treat('down', { kind: 'delay', ms: 0.3 * MAX_TTL_MS });
    await reached(nowUs() + 2 * MAX_TTL_MS * 1_000);
    stage.check('I11', 'the delay alone cost the lease', await holder.mayWrite(R));
    door.treat('up', { kind: 'swallow' });
    await granted;
    await waiter.release(R);
    return measured;
  },
};

export const NETWORK_ROWS: readonly Row[] = [D1, D2, D3, D4, D5, D6, D7, D8, D8B, D9, ...LOSSY_ROWS, D11, D13, D14];
