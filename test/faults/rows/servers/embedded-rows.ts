import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EXIT } from '../../../../server/src/process/exit-codes.js';
import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import type { ServerProcess } from '../../../support/server-process.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { CrowdProcess } from '../../harness/crowd-process.js';
import { guard } from '../../harness/guards-off.js';
import { type Stage, TWO_BELIEVE } from '../../harness/stage.js';
import { measured, type PlayedRow, type Row, seconds } from '../row.js';
import { R, reached, rested } from '../scenes.js';

/** Longer than a loaded machine takes for a restart. */
const LONG_TTL_MS = 60_000;
const KILLS = 4;
/** Clients that take lease after lease and keep all of them. */
const GATHERERS = 4;
/** A server is killed within this time of having granted so many, and of so many writes under what is contended for. */
const WITHIN_MS = 100;
const GRANTS = 50;
const WRITES = 5;
/** Of what is contended for: so long a restart keeps it from everybody, where its last holder had given it back. */
const SHORT_TTL_MS = 500;
/** Nothing may be written beyond the two pages that say which of a file's pages are good. */
const HEADER_BYTES = 8_192;

/** Resolves when this server has granted some, and holders of the one resource have written again. */
async function atWork(cell: Cell): Promise<void> {
  const before = cell.resource.log.length;
  await eventually(PATIENCE_MS, `${GRANTS} grants, and ${WRITES} writes`, async () => {
    const granted = /^holdfast_acquires_total\{outcome="granted"\} (\d+)$/m.exec(await cell.metrics())?.[1];
    return (Number(granted) >= GRANTS && cell.resource.log.length >= before + WRITES) || undefined;
  });
}

/** Until a moment that nobody has chosen. */
async function atRandom(): Promise<void> {
  await reached(nowUs() + Math.random() * WITHIN_MS * 1_000);
}

/** From one moment on the disk takes nothing. Answers what the server ended with. */
async function diskRefuses(stage: Stage, { pid, ended, logs }: ServerProcess): Promise<string> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${HEADER_BYTES}`]);
  const { code, signal } = await ended;
  // What a failed write leaves in the library's own memory, the C library may find first.
  const isRight = code === EXIT.storeRefused || signal === 'SIGABRT';
  stage.check('G1', `the server ended with ${code ?? signal} when the disk refused a write`, isRight);
  const words = logs.find(({ event }) => event === 'store_failed');
  return words === undefined ? `${signal}` : `exit code ${code}, ${words.msg}`;
}

async function killedAgainAndAgain(stage: Stage, crowd: CrowdProcess) {
  const cell = await stage.cell({ nodes: 0, servers: 1, clients: 2, maxTtlMs: LONG_TTL_MS });
  await Promise.all(cell.clients.map((client) => client.connect(...cell.doors)));
  await crowd.join(cell.doors, GATHERERS, { maxBackoffMs: 100 });
  for (const client of cell.clients) client.work([R], SHORT_TTL_MS, 1, cell.resource.address);
  await crowd.gather(LONG_TTL_MS);
  let [longestMs, last] = [0, ''];
  await atWork(cell);
  for (let round = 0; round <= KILLS; round += 1) {
    await atRandom();
    if (round < KILLS) await cell.server().kill();
    else last = await diskRefuses(stage, cell.server());
    const startMs = performance.now();
    await cell.succeed(1);
    longestMs = Math.max(longestMs, performance.now() - startMs);
    await atWork(cell);
    // Without the guard one kill may be enough, and those that follow say nothing new.
    if (stage.control !== undefined && (await crowd.count()).lost > 0) break;
  }
  await crowd.enough();
  await rested(stage, cell);
  await eventually(PATIENCE_MS, 'all back', async () => (await crowd.count()).connected === GATHERERS || undefined);
  const { gathered, unrisen, lost } = await crowd.count();
  stage.check('I1', `${unrisen} tokens did not rise`, unrisen === 0);
  stage.check('S1', `${lost} of ${gathered} leases that were told are lost`, lost === 0);
  if (lost === 0) {
    const all = async (): Promise<boolean> => (await cell.metric('holdfast_leases')) === (await crowd.count()).gathered;
    await stage.soon('S1', 'the server has all of them', PATIENCE_MS, all);
  }
  return { gathered, longestMs, last };
}

const G1: PlayedRow = {
  id: 'G1',
  title: `a server with the embedded store is killed ${KILLS} times under load, and then its disk refuses a write`,
  kind: 'played',
  control: {
    without: 'waiting for the disk before a grant is told',
    edits: guard('commit-before-answer'),
    breaks: /^S1: \d+ of \d+ leases that were told are lost/,
  },
  play: async (stage) => {
    const crowd = await CrowdProcess.start();
    try {
      const { gathered, longestMs, last } = await killedAgainAndAgain(stage, crowd);
      return (figures) =>
        `${gathered} leases told, all stand; serves again within ${seconds(longestMs)}; a refused write: ${last}; ${measured(figures)}`;
    } finally {
      await crowd.kill();
    }
  },
};

const G2: PlayedRow = {
  id: 'G2',
  title: 'a second server is started on the data directory of one that serves',
  kind: 'played',
  control: {
    without: 'one lock for all servers of a data directory',
    edits: [
      {
        file: 'server/src/store/embedded/directory-lock.ts',
        original: 'await listen(server, path);',
        replacement: 'await listen(server, path + process.pid);',
      },
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ nodes: 0, servers: 1, clients: 2 });
    const [holder, other] = [cell.client(1), cell.client(2)];
    const { pid } = cell.server();
    const startMs = performance.now();
    const second = await cell.rivalOf(1).catch((error: Error) => error.message);
    const tookMs = performance.now() - startMs;
    const words = typeof second === 'string' ? second : 'it serves';
    const isRefused = words.startsWith(`the server ended with ${EXIT.storeRefused};`);
    stage.check('G2', `the second server: ${words}`, isRefused && words.includes(`is in use by process ${pid}`));
    await holder.connect(cell.server().address);
    await holder.acquire(R, TTL_MS);
    await other.connect(typeof second === 'string' ? cell.server().address : second.address);
    stage.check('I3', 'it was granted to another', (await other.refusal(R, TTL_MS)) !== undefined);
    if (typeof second !== 'string') return measured;
    await holder.release(R);
    await cell.server().kill();
    await cell.succeed(1);
    await other.acquire(R, TTL_MS, PATIENCE_MS);
    return (figures) =>
      `refused after ${seconds(tookMs)} with exit code ${EXIT.storeRefused}, naming the process that has it; free again when that was killed; ${measured(figures)}`;
  },
};

export const EMBEDDED_ROWS: readonly Row[] = [G1, G2];
