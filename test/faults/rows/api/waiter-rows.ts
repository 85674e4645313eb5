import { eventually } from '../../../support/deadline.js';
import { listed } from '../../../support/listed.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { CrowdProcess } from '../../harness/crowd-process.js';
import { ONE_SERVER } from '../../harness/plan.js';
import type { Stage } from '../../harness/stage.js';
import { type PlayedRow, seconds } from '../row.js';
import { R } from '../scenes.js';

const QUEUE = 1_000;
/** Clients, each a process. */
const LINES = 4;
/** So many ask in a row before others do. */
const AT_A_TIME = 125;
/** Three in ten give up. */
const LEAVING = 0.43;
const WAIT_MS = 120_000;

const J12: PlayedRow = {
  id: 'J12',
  title: `${QUEUE} wait for one resource, in ${LINES} processes, and some give up whenever somebody is served`,
  kind: 'played',
  control: {
    without: 'serving first whoever came first: the queue is a stack',
    edits: [
      {
        file: 'server/src/core/waiter-queue.ts',
        original: [
          '    for (let index = this.#head; index < this.#slots.length; index += 1) {',
          '      const item = this.#slots[index];',
          '      if (item !== undefined && suits(item)) return item;',
        ].join('\n'),
        replacement: [
          '    for (let index = this.#slots.length - 1; index >= this.#head; index -= 1) {',
          '      const item = this.#slots[index];',
          '      if (item !== undefined && suits(item)) return item;',
        ].join('\n'),
      },
    ],
    breaks: /^L2\/I8 at .* who had come first and stayed/,
  },
  play: async (stage) => {
    const crowds = await Promise.all(Array.from({ length: LINES }, () => CrowdProcess.start()));
    try {
      return await queueServed(stage, crowds);
    } finally {
      await Promise.all(crowds.map((crowd) => crowd.kill()));
    }
  },
};

async function queueServed(stage: Stage, crowds: readonly CrowdProcess[]): ReturnType<PlayedRow['play']> {
  const cell = await stage.cell({ ...ONE_SERVER, clients: 1 });
  const { address } = cell.server();
  const holder = cell.client(1);
  await Promise.all([holder.connect(address), ...crowds.map((crowd) => crowd.join([address], 1))]);
  await holder.acquire(R, TTL_MS);
  for (let asked = 0; asked < QUEUE; ) {
    const crowd = crowds[(asked / AT_A_TIME) % LINES];
    await crowd?.lineUp({ name: R, from: asked, count: AT_A_TIME, leaving: LEAVING, ttlMs: TTL_MS, waitMs: WAIT_MS });
    asked += AT_A_TIME;
    await cell.waiting(asked);
  }
  const startMs = performance.now();
  await holder.release(R);
  const moves = await Promise.all(crowds.map((crowd) => crowd.dissolved()));
  const tookMs = performance.now() - startMs;
  for (const [number, ofOne] of moves.entries()) {
    for (const { place, kind, atUs } of ofOne)
      stage.record.take(`line ${number}`, { atUs, kind, server: 'the server', resource: R, waiter: `${place}` });
  }
  const [served, left] = (['served', 'left_queue'] as const).map(
    (kind) => moves.flat().filter((move) => move.kind === kind).length,
  );
  stage.check('I5', `of ${QUEUE} ${served} were served, ${left} left`, Number(served) + Number(left) === QUEUE);
  await stage.soon('I7', 'nothing left', PATIENCE_MS, async () => (await cell.metric('holdfast_leases')) === 0);
  return () => `${served} served in the order in which they had come, in ${seconds(tookMs)}; ${left} gave up`;
}

const CROWD = 500;
const CLIENTS = 50;
/** Whoever is told that there is a new place for them, besides the one who is granted. */
const TOLD = 8;
/** What a call about one waiter takes, with those that are made in any case. */
const A_CALL_BYTES = 10_000;

const J16: PlayedRow = {
  id: 'J16',
  title: `${CROWD} wait for one resource, and it is released`,
  kind: 'played',
  control: {
    without: 'asking for the first of the queue alone, and telling places sparsely',
    edits: [
      {
        file: 'server/src/core/contention.ts',
        original: "const handsOff = holder.state !== 'unadopted' && resource.callsUnderWay === 0;",
        replacement: 'const handsOff = false as boolean;',
      },
      {
        file: 'server/src/core/contention.ts',
        original: 'else this.#bids.acquire(next);',
        replacement:
          "else resource.waiters.visit((each) => { if (each.state === 'waiting') this.#bids.acquire(each); return 'go on'; });",
      },
      {
        file: 'server/src/core/waiting-room.ts',
        original: 'position !== told && (told === 0 || position <= 8 || position <= (told * 7) / 8);',
        replacement: 'position !== told;',
      },
    ],
    breaks: /^J16: \d+ (bytes to a node|were told)/,
  },
  play: async (stage) => {
    const crowd = await CrowdProcess.start();
    try {
      return await releasedToCrowd(stage, crowd);
    } finally {
      await crowd.kill();
    }
  },
};

async function releasedToCrowd(stage: Stage, crowd: CrowdProcess): ReturnType<PlayedRow['play']> {
  const cell = await stage.cell({ ...ONE_SERVER, nodes: 5, clients: 1 });
  const { address } = cell.server();
  const holder = cell.client(1);
  await Promise.all([holder.connect(address), crowd.join([address], CLIENTS)]);
  await holder.acquire(R, TTL_MS);
  const atFirst = await costs(cell);
  await crowd.flood({ name: R, times: CROWD / CLIENTS, ttlMs: TTL_MS, waitMs: WAIT_MS });
  await cell.waiting(CROWD);
  await toldUnasked(cell, atFirst, 0);
  const before = await costs(cell);
  await holder.release(R);
  await eventually(PATIENCE_MS, 'a grant', async () => (await crowd.count()).held > 0 || undefined);
  const bytes = (await costs(cell)).bytes - before.bytes;
  await toldUnasked(cell, before, TOLD + 1);
  const told = (await costs(cell)).unasked - before.unasked;
  const { held } = await crowd.count();
  const [lease] = await listed(address);
  stage.check('J16', `${held} hold it`, held === 1);
  stage.check('J16', `${lease?.waiters} still wait`, lease?.waiters === CROWD - 1);
  stage.check('J16', `${bytes} bytes to a node`, bytes < A_CALL_BYTES);
  stage.check('J16', `${told} were told`, told < CROWD / 10);
  return () =>
    `1 grant, ${CROWD - 1} wait on, ${bytes} bytes to each node, ${told} were told that they were granted, or of their place`;
}

/** Resolves when the server has told this much more than before, besides answers that are due at once. */
async function toldUnasked(cell: Cell, { unasked }: Costs, more: number): Promise<void> {
  await eventually(PATIENCE_MS, 'what is told', async () => (await costs(cell)).unasked >= unasked + more || undefined);
}

interface Costs {
  /** What a node has read. */
  readonly bytes: number;
  /** What the server has said, less what was said to it: each beat and each release has one answer, and those who wait have none yet. */
  readonly unasked: number;
}

async function costs(cell: Cell): Promise<Costs> {
  const [info, said, heard] = await Promise.all([
    cell.redis(1).client.info('stats'),
    cell.metric('holdfast_stream_frames_total\\{direction="out"\\}'),
    cell.metric('holdfast_stream_frames_total\\{direction="in"\\}'),
  ]);
  const bytes = /^total_net_input_bytes:(\d+)/m.exec(info)?.[1];
  if (bytes === undefined) throw new Error('the node does not tell what it has read');
  return { bytes: Number(bytes), unasked: said - heard };
}

export const WAITER_ROWS = { J12, J16 };
