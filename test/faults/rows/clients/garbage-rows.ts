import type { Cell } from '../../harness/cell.js';
import { NO_OWN_CLOCK } from '../controls.js';
import { measured, type PlayedRow } from '../row.js';
import { LEAST_SHIFTS, R, rested, SMALL } from '../scenes.js';

/** Collected in one go, as on a machine without a processor to spare: then a collection outlasts a short lease. */
const HEAP = ['--max-old-space-size=256', '--single-threaded-gc', '--no-incremental-marking'];
const LIVE_MB = 110;
const FILLED_MS = 4_000;
const SHORT_TTL_MS = 200;
/** So that most collections come while somebody holds. */
const HOLD_MS = 60;

export const A6: PlayedRow = {
  id: 'A6',
  title: `clients that do nothing but fill their heaps, ${LIVE_MB} MB each, and hold leases of ${SHORT_TTL_MS} ms in between`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: NO_OWN_CLOCK,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, clientLaunch: { nodeArgs: HEAP } });
    await Promise.all(cell.clients.map((client) => client.connect(...cell.doors)));
    for (const client of cell.clients) client.work([R], SHORT_TTL_MS, HOLD_MS, cell.resource.address);
    const collections = await allocated(cell);
    const { shifts, failures } = await rested(stage, cell);
    const held = shifts.reduce((sum, each) => sum + each, 0);
    stage.check('I11', `held to their ends: ${shifts}`, stage.control !== undefined || held > LEAST_SHIFTS);
    return (figures) => `${collections}; ${measured(figures)}, ${failures} lost in time`;
  },
};

async function allocated({ clients }: Pick<Cell, 'clients'>): Promise<string> {
  const all = await Promise.all(clients.map((client) => client.allocate(FILLED_MS, LIVE_MB)));
  const count = all.reduce((sum, each) => sum + each.count, 0);
  const longestMs = Math.max(...all.map((each) => each.longestMs));
  return `${count} collections, the longest ${Math.round(longestMs)} ms`;
}
