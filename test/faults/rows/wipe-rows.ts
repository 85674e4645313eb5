import { nowUs } from '../../support/client-process.js';
import { PATIENCE_MS } from '../harness/cell.js';
import { guard } from '../harness/guards-off.js';
import type { Control } from '../harness/stage.js';
import { R } from './client-rows.js';
import { measured, type PlayedRow, seconds } from './row.js';

const NO_QUARANTINE: Control = { without: 'the quarantine', edits: guard('quarantine-wait'), admitsAtOnce: true };

/** Outlasts the restart of a node on a loaded machine. */
const LONG_TTL_MS = 5_000;

const C5: PlayedRow = {
  id: 'C5',
  title: 'a node restarts empty while a lease stands on it and two others; another server reaches it and the other two',
  kind: 'played',
  control: NO_QUARANTINE,
  play: async (stage) => {
    const apart = (server: number): readonly number[] => (server === 1 ? [4, 5] : [1, 2]);
    const cell = await stage.cell({ nodes: 5, servers: 2, clients: 2, maxTtlMs: LONG_TTL_MS, apart });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all([holder.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    await holder.acquire(R, LONG_TTL_MS, PATIENCE_MS);
    const on = (await cell.locks(R)).map((value) => value !== null);
    if (String(on) !== 'true,true,true,false,false') throw new Error(`the lease stands on ${on}`);
    const wipedUs = nowUs();
    await cell.redis(3).restart({ empty: true });
    const next = await other.acquire(R, LONG_TTL_MS, 2 * cell.quarantineMs + PATIENCE_MS);
    const afterMs = (next.atUs - wipedUs) / 1_000;
    await other.release(R);
    return (figures) => `next grant ${seconds(afterMs)} after the wipe, ${measured(figures)}`;
  },
};

export const WIPE_ROWS = [C5];
