import { readFileSync } from 'node:fs';
import { nowUs } from '../../../history/events.js';
import type { Edit } from '../../../mutants/patch.js';
import { eventually } from '../../../support/deadline.js';
import type { LogLine, ServerProcess } from '../../../support/server-process.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { type Stage, TWO_BELIEVE } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { LASTING_TTL_MS, reached, SMALL, underLoad } from '../scenes.js';

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
  controlRuns: 'afterwards',
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

/** In the server, right where it stands in the source: once for each name, and never for the long lease of another. */
function standsStill(name: string): string {
  const isIt = `request.resource.key.endsWith('${name}') && request.ttlMs < ${LASTING_TTL_MS}`;
  const once = `${isIt} && process.env['STOOD_STILL'] !== '${name}'`;
  const stops = `process.env['STOOD_STILL'] = '${name}'; process.kill(process.pid, 'SIGSTOP');`;
  // The signal may take a moment to reach this thread.
  return `if (${once}) { ${stops} for (const end = performance.now() + 20; performance.now() < end; ); }`;
}

/** Half of it is more than a loaded machine adds. */
const LONG_TTL_MS = 3_000;
const COUNTED_LATE = 'counted late';
const TOLD_LATE = 'told late';
const TOLD_IN_TIME = 'told in time';

/** After its nodes have answered and before it has looked at the clock; after that and before it has told its client. */
const BETWEEN: readonly Edit[] = [
  {
    file: 'server/src/core/bids.ts',
    original: '    const told = this.#grants.worthTelling(',
    replacement: `    ${standsStill(COUNTED_LATE)}\n    const told = this.#grants.worthTelling(`,
  },
  {
    file: 'server/src/core/bids.ts',
    original: '    this.#grants.tell(request, token, bid.attachment, told, calledAtMs);',
    replacement: `    ${standsStill(TOLD_LATE)} ${standsStill(TOLD_IN_TIME)}\n    this.#grants.tell(request, token, bid.attachment, told, calledAtMs);`,
  },
];

/** Resolves when a server has been stopped, by whomever. */
async function standing(server: ServerProcess): Promise<void> {
  await eventually(PATIENCE_MS, 'a server that stands still', () =>
    /\) T /.test(readFileSync(`/proc/${server.pid}/stat`, 'utf8')) ? true : undefined,
  );
}

/** It stands still until another has what it was about to grant. */
async function overtaken(stage: Stage, cell: Cell, name: string): Promise<void> {
  const [late, other] = [cell.client(1), cell.client(2)];
  await late.connect(cell.server(1).address);
  const granted = late.acquire(name, TTL_MS, 3 * PATIENCE_MS);
  granted.catch(() => undefined);
  await standing(cell.server(1));
  await other.acquire(name, LASTING_TTL_MS, PATIENCE_MS);
  cell.server(1).signal('SIGCONT');
  await eventually(PATIENCE_MS, 'what becomes of it', async () => {
    const isWaiting = stage.control === undefined && (await cell.metric('holdfast_waiters')) === 1;
    return late.has('granted') || isWaiting || undefined;
  });
  stage.check('I3', `${name}: a grant was relied on whose time was over`, !late.has('granted'));
  await other.release(name);
  await granted;
  await late.release(name);
}

const B3: PlayedRow = {
  id: 'B3',
  title:
    'the server stands still between its nodes’ majority and its word to the client: for 0.5 TTL, and until another has it',
  kind: 'played',
  control: {
    without: 'the server’s look at what is left of a grant, and the client’s counting from when its anchor was sent',
    edits: [
      ...guard('client-grant-anchor'),
      {
        file: 'server/src/core/grants.ts',
        original: 'return leftMs >= minimumValidity(this.ctx.settings, request.ttlMs) ? told : undefined;',
        replacement: 'return leftMs > Number.NEGATIVE_INFINITY ? told : undefined;',
      },
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LASTING_TTL_MS, edits: BETWEEN });
    const [client, other] = [cell.client(1), cell.client(2)];
    await Promise.all([client.connect(cell.server(1).address), other.connect(cell.server(2).address)]);
    const granted = client.acquire(TOLD_IN_TIME, LONG_TTL_MS, PATIENCE_MS);
    await standing(cell.server(1));
    await reached(nowUs() + 0.5 * LONG_TTL_MS * 1_000);
    cell.server(1).signal('SIGCONT');
    const { remainingMs } = await granted;
    stage.check('S3', `${seconds(remainingMs)} were left of it`, remainingMs <= 0.5 * LONG_TTL_MS);
    await client.release(TOLD_IN_TIME);
    await overtaken(stage, cell, COUNTED_LATE);
    await overtaken(stage, cell, TOLD_LATE);
    return (figures) =>
      `0.5 TTL: ${seconds(remainingMs)} of ${LONG_TTL_MS / 1_000} s left; later: dead on arrival; ${measured(figures)}`;
  },
};

export const STALL_ROWS = { B3, C25 };
