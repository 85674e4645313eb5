import type { WireStream } from '../../../wire/support/wire-client.js';
import { SLACK_MS } from '../../harness/cell.js';
import type { Control } from '../../harness/stage.js';
import { type PlayedRow, seconds } from '../row.js';
import { type Misused, misuse } from './misuse.js';

const FLOODS = 2;
/** As many frames as a message may have, of a kind that is answered with a long failure. */
const FRAMES = 4_096;
/** Three of them are more than the server keeps for one stream. */
const MESSAGES = 5;
const SLOW_READER_MS = 1_500;
/** Eight for what waits on each of the streams, encoded; as frames it is a few times that. */
const MOST_MB = 100;

const NO_BOUNDS: Control = {
  without: 'the bound on what waits to be sent, and the time without a read',
  edits: [
    {
      file: 'server/src/rpc/session-stream.ts',
      original: 'if (this.#outbox.frames > maxUnsentFrames || this.#outbox.bytes > maxUnsentBytes) {',
      replacement: 'if (this.#outbox.frames > Infinity || maxUnsentFrames + maxUnsentBytes < 0) {',
    },
    {
      file: 'server/src/rpc/session-stream.ts',
      original: 'if (this.#inFlight === 0) return;\n      if (clock.nowMs()',
      replacement: 'if (this.#inFlight >= 0) return;\n      if (clock.nowMs()',
    },
  ],
  breaks: /^H1: all of them ended/,
};

/** Frames that this server does not know, with ids that go on from message to message. */
function unknownFrames(message: number): readonly { readonly id: number; readonly kind: undefined }[] {
  return Array.from({ length: FRAMES }, (_, index) => ({ id: 2 + message * FRAMES + index, kind: undefined }));
}

async function leftUnread({ id, stage, cell, wire }: Misused): Promise<string> {
  const open = (count: number): Promise<WireStream[]> =>
    Promise.all(Array.from({ length: count }, () => wire.openSession()));
  const [idle, flooding] = [await open(1), await open(FLOODS)];
  const streams = [...idle, ...flooding];
  for (const { call } of streams) call.pause();
  const startMs = performance.now();
  for (let message = 0; message < MESSAGES; message += 1) {
    for (const stream of message === 0 ? streams : flooding) stream.write(...unknownFrames(message));
    // One at a time, so that others have their turn.
    await cell.metrics();
  }
  let floodMs = Infinity;
  let idleMs = Infinity;
  await stage.soon(id, 'all of them ended', SLOW_READER_MS + 2 * SLACK_MS, async () => {
    const left = (await cell.metric('holdfast_sessions\\{state="attached"\\}')) - cell.clients.length;
    if (left <= idle.length) floodMs = Math.min(floodMs, performance.now() - startMs);
    if (left === 0) idleMs = performance.now() - startMs;
    return left === 0;
  });
  if (idleMs === Infinity) throw new Error('nothing has ended');
  for (const { call } of streams) call.resume();
  await stage.soon(id, 'all of them told when they read again', SLACK_MS, () => streams.every(isTold));
  return `ended with SLOW_READER after ${seconds(floodMs)}, and after ${seconds(idleMs)} where little waited`;
}

function isTold({ end }: WireStream): boolean {
  return end?.code === 'RESOURCE_EXHAUSTED' && end.infos[0]?.reason === 'SLOW_READER';
}

const H1: PlayedRow = {
  id: 'H1',
  title: `a client that stops reading: ${FLOODS} streams with ${FRAMES * MESSAGES} answers each, one with little unread`,
  kind: 'played',
  control: NO_BOUNDS,
  play: misuse('H1', { serverArgs: ['--slow-reader', `${SLOW_READER_MS}ms`], mostMb: MOST_MB, play: leftUnread }),
};

export const READER_ROWS = { H1 };
