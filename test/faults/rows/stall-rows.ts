import { nowUs } from '../../history/events.js';
import { eventually } from '../../support/deadline.js';
import type { LogLine, ServerProcess } from '../../support/server-process.js';
import { PATIENCE_MS } from '../harness/cell.js';
import { reached, SMALL } from './client-rows.js';
import { underLoad } from './node-rows.js';
import { measured, type PlayedRow, seconds } from './row.js';

const STALLS = 20;
/** More than a server takes for an accident of scheduling, and less than any deadline. */
const STALL_US = 150_000;

/** What a server does to a node that it believes to have moved its clock. */
const BLAMES = new Set(['clock_shifted', 'node_quarantined']);

function since(server: ServerProcess, before: number): readonly LogLine[] {
  return server.logs.slice(before);
}

const C25: PlayedRow = {
  id: 'C25',
  title: `a server stands still for 150 ms, ${STALLS} times, with answers of its nodes in its buffers`,
  kind: 'played',
  control: {
    without: 'the look for stalls',
    edits: [
      {
        file: 'server/src/store/redlock/coordinator/membership.ts',
        original: '    this.#watch.stalled();',
        replacement: '',
      },
    ],
    breaks: /^C25: it suspects itself/,
  },
  play: async (stage) => {
    const cell = await stage.cell(SMALL);
    const server = cell.server(1);
    const before = cell.servers.map(({ logs }) => logs.length);
    const pausesMs: number[] = [];
    const { shifts, failures } = await underLoad(stage, cell, async () => {
      // Without leases it looks too seldom to notice so little.
      await eventually(PATIENCE_MS, 'leases', async () => (await cell.metric('holdfast_leases')) > 0 || undefined);
      for (let stalls = 0; stalls < STALLS; stalls += 1) {
        const seen = server.logs.length;
        server.signal('SIGSTOP');
        await reached(nowUs() + STALL_US);
        server.signal('SIGCONT');
        // It says so only after it has suspected itself.
        const pauseMs = await stage.soon('C25', 'it suspects itself, and no more', PATIENCE_MS / 5, () =>
          since(server, seen).some(({ event }) => event === 'self_trusted'),
        );
        pausesMs.push(pauseMs);
        // Once is enough to see that it never will.
        if (stage.control !== undefined) return;
        await reached(nowUs() + STALL_US);
      }
    });
    const blamed = cell.servers.flatMap((each, index) =>
      since(each, before[index] ?? 0).filter(({ event }) => BLAMES.has(event ?? '')),
    );
    stage.check('C25', `nodes were blamed: ${JSON.stringify(blamed)}`, blamed.length === 0);
    stage.check('C25', `${failures} requests failed`, failures === 0);
    const longest = seconds(Math.max(...pausesMs));
    return (figures) => `itself again within ${longest}, ${shifts.join(' and ')} leases; ${measured(figures)}`;
  },
};

export const STALL_ROWS = { C25 };
