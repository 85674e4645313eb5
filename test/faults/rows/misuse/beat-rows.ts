import { eventually } from '../../../support/deadline.js';
import { acquire, type FrameKind, WireClient, type WireStream } from '../../../wire/support/wire-client.js';
import { type Cell, freeAgainMs, MAX_TTL_MS, PATIENCE_MS, SLACK_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import type { Stage } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { SMALL } from '../scenes.js';
import { servedWhile } from './served-while.js';

const SILENT = 'left to itself';
const QUEUED = 'waited for in silence';
/** A beat each millisecond, so often. */
const STEADY_BEATS = 3_000;
/** As fast as the server takes them. */
const FLOOD_MESSAGES = 400;
const FLOOD_BEATS = 1_000;
const BEAT: FrameKind = { $case: 'heartbeat', value: { pushSeen: 0n, heldCount: 0, heldHash: 0n } };

/** Beats with ids from this one on. */
function beats(from: number, count: number): { readonly id: number; readonly kind: FrameKind }[] {
  return Array.from({ length: count }, (_, index) => ({ id: from + index, kind: BEAT }));
}

/** So many answers in all; those after the first are to beats. */
async function answered(stream: WireStream, count: number): Promise<void> {
  await eventually(PATIENCE_MS, `${count} answers`, () => {
    if (stream.end !== undefined) throw new Error(`the stream ended: ${JSON.stringify(stream.end)}`);
    return stream.frames.length >= count || undefined;
  });
}

/** A stream with a lease, and one that waits, neither of which ever beats: others get what they would have. */
async function silence(stage: Stage, cell: Cell, wire: WireClient): Promise<number> {
  const [holder, next] = [cell.client(1), cell.client(2)];
  const [silent, queued] = [await wire.openSession(), await wire.openSession()];
  silent.write({ id: 2, kind: acquire(SILENT) });
  await silent.answer(2);
  await holder.acquire(QUEUED, MAX_TTL_MS);
  queued.write({ id: 2, kind: waiting(QUEUED) });
  await cell.waiting(1);
  const second = next.acquire(QUEUED, MAX_TTL_MS, 2 * PATIENCE_MS);
  second.catch(() => undefined);
  await cell.waiting(2);
  const startMs = performance.now();
  await holder.acquire(SILENT, MAX_TTL_MS, PATIENCE_MS);
  const freeMs = performance.now() - startMs;
  stage.check('L3', `free only after ${seconds(freeMs)}`, freeMs <= freeAgainMs(MAX_TTL_MS) + SLACK_MS);
  // By now it has missed more than three beats, too.
  await holder.release(QUEUED);
  await second;
  stage.check('L2', 'a silent waiter was granted before another', !hasGrant(queued));
  await Promise.all([holder.release(SILENT), next.release(QUEUED)]);
  await Promise.all([silent, queued].map((stream) => closed(stream, 3)));
  return freeMs;
}

function hasGrant({ frames }: WireStream): boolean {
  return frames.some(({ kind }) => kind?.$case === 'granted');
}

/** Also a stream that has been silent is heard. */
async function closed(stream: WireStream, id: number): Promise<void> {
  stream.write({ id, kind: { $case: 'close', value: {} } });
  await stream.ended();
}

function waiting(name: string): FrameKind {
  const asked = acquire(name);
  if (asked.$case !== 'acquire') throw new Error(asked.$case);
  return { ...asked, value: { ...asked.value, waitMs: BigInt(4 * PATIENCE_MS) } };
}

/** A thousand a second: each is answered. */
async function steady(stream: WireStream): Promise<void> {
  const startMs = performance.now();
  for (let sent = 0; sent < STEADY_BEATS; ) {
    const due = Math.min(STEADY_BEATS, Math.floor(performance.now() - startMs));
    if (due > sent) stream.write(...beats(2 + sent, due - sent));
    sent = Math.max(sent, due);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await answered(stream, 1 + STEADY_BEATS);
}

/** As many as the server takes, and its answers read. */
async function flood(stream: WireStream): Promise<void> {
  for (let message = 0; message < FLOOD_MESSAGES; message += 1) {
    stream.write(...beats(2 + message * FLOOD_BEATS, FLOOD_BEATS));
    await answered(stream, Math.max(0, message - 1) * FLOOD_BEATS);
  }
  await answered(stream, 1 + FLOOD_MESSAGES * FLOOD_BEATS);
}

const H12: PlayedRow = {
  id: 'H12',
  title:
    'streams that never beat, one that beats a thousand times a second, and one that beats as fast as it is answered',
  kind: 'played',
  control: {
    without: 'passing over waiters whose client is not heard',
    edits: guard('detached-waiters'),
    breaks: /^L2: a silent waiter was granted before another/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, nodes: 0, servers: 1 });
    const { address } = cell.server();
    await Promise.all(cell.clients.map((client) => client.connect(address)));
    const wire = new WireClient(address);
    try {
      const freeMs = await silence(stage, cell, wire);
      // It is not about beats that come too often.
      if (stage.control !== undefined) return measured;
      const beating = await wire.openSession();
      const steadyMs = await servedWhile(cell.client(2), steady(beating));
      stage.check('I5', `served within ${seconds(steadyMs)}`, steadyMs < SLACK_MS);
      const flooding = await wire.openSession();
      const startMs = performance.now();
      const floodMs = await servedWhile(cell.client(2), flood(flooding));
      const rate = Math.round((FLOOD_MESSAGES * FLOOD_BEATS) / (performance.now() - startMs));
      stage.check('I5', `served within ${seconds(floodMs)}`, floodMs < SLACK_MS);
      await closed(beating, 2 + STEADY_BEATS);
      await closed(flooding, 2 + FLOOD_MESSAGES * FLOOD_BEATS);
      await stage.soon('I7', 'nothing is left', PATIENCE_MS, async () => {
        const left = await Promise.all(['leases', 'waiters'].map((each) => cell.metric(`holdfast_${each}`)));
        return left.every((each) => each === 0) && (await cell.metric('holdfast_streams')) === cell.clients.length;
      });
      const others = `others served within ${seconds(steadyMs)} and, at ${rate} beats a millisecond, ${seconds(floodMs)}`;
      return (figures) => `left alone, free after ${seconds(freeMs)}; ${others}; ${measured(figures)}`;
    } finally {
      wire.close();
    }
  },
};

export const BEAT_ROWS = { H12 };
