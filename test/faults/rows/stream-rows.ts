import { once } from 'node:events';
import { constants } from 'node:http2';
import type { Control } from '../harness/stage.js';
import { type Misused, misuse } from './misuse.js';
import { framed, RawConnection } from './raw-calls.js';
import { type PlayedRow, seconds } from './row.js';

const STREAMS = 20_000;
/** So few that those just cancelled do not count with them towards what a connection may have. */
const AT_ONCE = 20;
/** Node ends a connection after a thousand. */
const A_CONNECTION = 500;
const EMPTY_MESSAGE = framed(Buffer.alloc(0));
/** What so many streams leave until it is collected. */
const MOST_MB = 256;

const NO_END: Control = {
  without: 'counting the ends of streams',
  edits: [
    {
      file: 'server/src/rpc/lease-service.ts',
      original: "call.once('cancelled', calls.opened());",
      replacement: 'calls.opened();',
    },
  ],
  breaks: /^L4: the next is not served: .*open streams/,
};

async function cancelled(address: string): Promise<void> {
  const connection = new RawConnection(address);
  for (let opened = 0; opened < A_CONNECTION; opened += AT_ONCE) {
    const streams = Array.from({ length: AT_ONCE }, () => connection.call());
    for (const stream of streams) stream.write(EMPTY_MESSAGE);
    // The server has them when it answers what was sent after them.
    await connection.arrived();
    const closed = streams.map((stream) => (stream.closed ? undefined : once(stream, 'close')));
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await Promise.all(closed);
  }
  connection.destroy();
}

async function stormed({ id, stage, cell }: Misused): Promise<string> {
  const { address } = cell.server();
  const arrived = (): Promise<number> => cell.metric('holdfast_stream_messages_total\\{direction="in"\\}');
  const before = await arrived();
  const startMs = performance.now();
  for (let opened = 0; opened < STREAMS; opened += A_CONNECTION) await cancelled(address);
  const tookMs = performance.now() - startMs;
  const count = (await arrived()) - before;
  // Of the client that is served there are messages, too.
  stage.check(id, `the server has seen ${count} messages`, count >= STREAMS);
  return `${STREAMS} reached the server in ${seconds(tookMs)}`;
}

const H2: PlayedRow = {
  id: 'H2',
  title: `${STREAMS} streams opened and cancelled at once`,
  kind: 'played',
  control: NO_END,
  play: misuse('H2', { mostMb: MOST_MB, play: stormed }),
};

export const STREAM_ROWS = { H2 };
