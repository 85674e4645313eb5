import { PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { CrowdProcess } from '../../harness/crowd-process.js';
import { MemoryRoom } from '../../harness/memory-room.js';
import type { Control, Stage } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { R, SMALL } from '../scenes.js';

const ROOM_MB = 256;
/** Where no control group can be made: the heap alone. */
const HEAP_MB = 128;
/** A flood costs a loaded machine time, and is not to cost anybody a lease. */
const LONG_TTL_MS = 30_000;
const FLOODERS = 20;
const FLOOD_EACH = 10_000;
const MOST_WAITERS = 10_000;
const PROBES = 10;

const NO_LIMIT: Control = {
  without: 'the limit of waiters for a resource',
  edits: [
    {
      file: 'server/src/core/request-factory.ts',
      original: "return size < most ? undefined : tooMany('waiters for the resource', size + 1, most);",
      replacement: 'return undefined;',
    },
  ],
  breaks: /^L4: the server ended/,
};

export const B8: PlayedRow = {
  id: 'B8',
  title: `${FLOODERS * FLOOD_EACH} requests at once for one resource, at a server in ${ROOM_MB} MB`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: NO_LIMIT,
  play: async (stage) => {
    const room = MemoryRoom.make(ROOM_MB * 2 ** 20);
    const crowd = await CrowdProcess.start();
    try {
      return await flood(stage, crowd, room);
    } finally {
      await crowd.kill();
      await stage.end();
      room?.remove();
    }
  },
};

const flood = async (
  stage: Stage,
  crowd: CrowdProcess,
  room: MemoryRoom | undefined,
): ReturnType<PlayedRow['play']> => {
  const serverLaunch =
    room === undefined ? { nodeArgs: [`--max-old-space-size=${HEAP_MB}`] } : { inside: room.command };
  const cell = await stage.cell({
    ...SMALL,
    nodes: 0,
    servers: 1,
    maxTtlMs: LONG_TTL_MS,
    serverLaunch,
    serverArgs: ['--grace', '1s'],
  });
  const [holder, other] = [cell.client(1), cell.client(2)];
  const { address, ended } = cell.server();
  let isOver = false;
  const gone = ended.then(({ code, signal }) => {
    stage.check('L4', `the server ended with ${code ?? signal}`, isOver);
    throw new Error('the server has ended');
  });
  gone.catch(() => undefined);
  await Promise.all([holder.connect(address), other.connect(address), crowd.join([address], FLOODERS)]);
  await holder.acquire(R, LONG_TTL_MS);
  const flooded = async (): Promise<readonly [number, number]> => {
    await crowd.flood({ name: R, times: FLOOD_EACH, ttlMs: LONG_TTL_MS, waitMs: 4 * PATIENCE_MS });
    await stage.soon('L4', `${MOST_WAITERS} waiters`, PATIENCE_MS, async () => (await waiters()) >= MOST_WAITERS);
    let latestMs = 0;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const startMs = performance.now();
      await other.acquire(`probe-${probe}`, LONG_TTL_MS, PATIENCE_MS);
      latestMs = Math.max(latestMs, performance.now() - startMs);
      await other.release(`probe-${probe}`);
      stage.check('L4', `${await waiters()} requests wait`, (await waiters()) <= MOST_WAITERS);
    }
    return [latestMs, await cell.metric('holdfast_failures_total\\{reason="LIMIT_REACHED"\\}')];
  };
  const waiters = (): Promise<number> => cell.metric('holdfast_waiters');
  const [latestMs, refused] = await Promise.race([flooded(), gone]);
  stage.check('L4', 'no request was refused', refused > 0);
  stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
  const peak = room === undefined ? undefined : room.peakBytes;
  await crowd.kill();
  await stage.soon('I7', 'no waiter left', PATIENCE_MS, async () => (await waiters()) === 0);
  await holder.release(R);
  await other.acquire(R, TTL_MS, PATIENCE_MS);
  isOver = true;
  const memory =
    peak === undefined
      ? `a heap of ${HEAP_MB} MB at most, for no control group can be made here`
      : `${Math.round(peak / 2 ** 20)} MB at most`;
  return (figures) =>
    `${memory}; ${MOST_WAITERS} wait, RESOURCE_EXHAUSTED ${refused} times; others served within ${seconds(latestMs)}; ${measured(figures)}`;
};
